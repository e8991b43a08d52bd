"""Reader: turns a `.ksy` document into a tree of `Structure`s; unknown keys, wrong types and bad names are findings."""

from __future__ import annotations

import re
from typing import Any

from harness.core.document import Key
from harness.grammar.language.expression import Expr
from harness.kaitai.expression import integer
from harness.kaitai.field_reader import FieldReader
from harness.kaitai.parser import ID, parse, parse_type
from harness.kaitai.scanner import ExpressionError
from harness.kaitai.source import Import, Source, kind_of
from harness.kaitai.structure import ANY, ByteOrder, DataType, Enum, Enumeration, Field, Integer, Structure
from harness.kaitai.type_reader import parameter_type

_TYPE_KEYS = frozenset({"meta", "doc", "doc-ref", "to-string", "params", "seq", "types", "instances", "enums"})
_META_KEYS = frozenset(
    {
        "id", "imports", "endian", "bit-endian", "encoding", "title", "license", "application", "file-extension",
        "xref", "tags", "ks-version", "ks-debug", "ks-opaque-types", "ks-zero-copy-substream",
    }
)  # fmt: skip
_PARAM_KEYS = frozenset({"id", "type", "doc", "doc-ref", "enum"})
_MEMBER_KEYS = frozenset({"id", "doc", "doc-ref"})
NEWEST = (0, 12)  # the supported version of the language
OLDEST = (0, 6)
MAX_DEPTH = 30


def read(source: Source) -> Structure | None:
    """Read the file's top type; errors are added to the source's findings."""
    value = source.document.value
    if not isinstance(value, dict):
        source.report((), f"expected a mapping, got {kind_of(value)}")
        return None
    meta = value.get("meta")
    name = meta.get("id") if isinstance(meta, dict) else None
    if meta is None or (isinstance(meta, dict) and name is None):
        source.report(("meta",), "the top type needs a `meta` with an `id`")
    return _Reader(source).structure(value, str(name or source.path.stem), None, ())


class _Reader:
    def __init__(self, source: Source) -> None:
        self.source = source

    def report(self, key: Key, message: str) -> None:
        self.source.report(key, message)

    def keys(self, value: dict[str, Any], known: frozenset[str], key: Key) -> None:
        for name in value:
            if name not in known and not name.startswith("-"):
                self.report((*key, name), f"unknown key {name!r}; known are {', '.join(sorted(known))}")

    def mapping(self, value: dict[str, Any], name: str, key: Key) -> dict[str, Any]:
        found = value.get(name, {})
        if isinstance(found, dict):
            return found
        self.report((*key, name), f"expected a mapping, got {kind_of(found)}")
        return {}

    def listing(self, value: dict[str, Any], name: str, key: Key) -> list[tuple[dict[str, Any], Key]]:
        found = value.get(name, [])
        if not isinstance(found, list):
            self.report((*key, name), f"expected a list, got {kind_of(found)}")
            return []
        made = []
        for index, item in enumerate(found):
            if isinstance(item, dict):
                made.append((item, (*key, name, index)))
            else:
                self.report((*key, name, index), f"expected a mapping, got {kind_of(item)}")
        return made

    def name(self, value: Any, what: str, key: Key) -> str:
        if not isinstance(value, str) or not ID.fullmatch(value):
            self.report(key, f"invalid {what}: {value!r}, expected /^[a-z][a-z0-9_]*$/")
        return str(value)

    def structure(self, value: dict[str, Any], name: str, outer: Structure | None, key: Key) -> Structure:
        made = Structure(name, self.source, outer, key, encoding=outer.encoding if outer else None)
        if outer:
            made.bit_order, made.opaque = outer.bit_order, outer.opaque
        self.keys(value, _TYPE_KEYS, key)
        self.meta(self.mapping(value, "meta", key), made, (*key, "meta"))
        self.documentation(value, made, key)
        for enum, members in self.mapping(value, "enums", key).items():
            self.enumeration(enum, members, made, (*key, "enums", enum))
        for item, at in self.listing(value, "params", key):
            made.params.append(self.parameter(item, made, at))
        fields = FieldReader(self.source, made)
        for number, (item, at) in enumerate(self.listing(value, "seq", key)):
            label = self.name(item["id"], "ID", (*at, "id")) if "id" in item else f"_unnamed{number}"
            made.seq.append(fields.field(item, label, at))
        for label, item in self.mapping(value, "instances", key).items():
            at = (*key, "instances", label)
            self.name(label, "instance ID", at)
            if isinstance(item, dict):
                made.instances[label] = fields.instance(item, label, at)
            else:
                self.report(at, f"expected a mapping, got {kind_of(item)}")
        self.unique(made)
        if value.get("to-string") is not None:
            made.to_string = self.source.expression(value["to-string"], (*key, "to-string"))
        for label, item in self.mapping(value, "types", key).items():
            at = (*key, "types", label)
            self.name(label, "type ID", at)
            if len(at) > 2 * MAX_DEPTH:
                self.report(at, f"types nested deeper than {MAX_DEPTH} levels")
            elif isinstance(item, dict):
                made.types[label] = self.structure(item, label, made, at)
            else:
                self.report(at, f"expected a mapping, got {kind_of(item)}")
        return made

    def documentation(self, value: dict[str, Any], made: Structure, key: Key) -> None:
        doc = value.get("doc", "")
        if not isinstance(doc, str):
            self.report((*key, "doc"), f"expected text, got {kind_of(doc)}")
        made.doc = str(doc).strip()
        reference = value.get("doc-ref", [])
        for part in reference if isinstance(reference, list) else [reference]:
            if not isinstance(part, str):
                self.report((*key, "doc-ref"), f"expected text, got {kind_of(part)}")

    def unique(self, made: Structure) -> None:
        first: dict[str, Field] = {}
        for field in made.fields():
            if field.id.startswith("_unnamed"):
                continue
            if field.id in first:
                place = "/" + "/".join(map(str, first[field.id].key))
                at = field.key if field.kind in ("parse", "value") else (*field.key, "id")
                self.report(at, f"duplicate ID {field.id!r}, first defined at {place}")
            first.setdefault(field.id, field)

    def meta(self, value: dict[str, Any], made: Structure, key: Key) -> None:
        self.keys(value, _META_KEYS, key)
        if "id" in value:
            self.name(value["id"], "meta ID", (*key, "id"))
        if "endian" in value:
            made.order = self.byte_order(value["endian"], (*key, "endian"))
        if "bit-endian" in value:
            if value["bit-endian"] not in ("le", "be"):
                self.report((*key, "bit-endian"), f"expected le or be, got {kind_of(value['bit-endian'])}")
            made.bit_order = "le" if value["bit-endian"] == "le" else "be"
        if "encoding" in value:
            if not isinstance(value["encoding"], str):
                self.report((*key, "encoding"), f"expected text, got {kind_of(value['encoding'])}")
            made.encoding = str(value["encoding"])
        for name in ("ks-debug", "ks-opaque-types", "ks-zero-copy-substream"):
            if not isinstance(value.get(name, False), bool):
                self.report((*key, name), f"expected true or false, got {kind_of(value[name])}")
        if "ks-opaque-types" in value:
            made.opaque = value["ks-opaque-types"] is True
        for name in ("title", "license"):
            if not isinstance(value.get(name, ""), str | int | float):
                self.report((*key, name), f"expected text, got {kind_of(value[name])}")
        made.title = str(value.get("title", ""))
        self.version(value.get("ks-version"), (*key, "ks-version"))
        imports = value.get("imports", [])
        if not isinstance(imports, list):
            self.report((*key, "imports"), f"expected a list, got {kind_of(imports)}")
            return
        for index, name in enumerate(imports):
            if isinstance(name, str):
                self.source.imports.append(Import(name, (*key, "imports", index)))
            else:
                self.report((*key, "imports", index), f"expected text, got {kind_of(name)}")

    def version(self, value: Any, key: Key) -> None:
        if value is None:
            return
        try:
            wanted = tuple(int(part) for part in str(value).split("."))
        except ValueError:
            self.report(key, f"{value!r} is not a version")
            return
        if wanted[:2] < OLDEST:
            least = ".".join(map(str, OLDEST))
            self.report(key, f"the lowest version is {least}; write 0.10 in quotes, because YAML reads 0.10 as 0.1")
        if wanted[:2] > NEWEST:
            known = ".".join(map(str, NEWEST))
            self.report(key, f"the file needs version {value} of the language; {known} is supported")

    def byte_order(self, value: Any, key: Key) -> str | ByteOrder | None:
        if value in ("le", "be"):
            return str(value)
        if not isinstance(value, dict):
            self.report(key, f"a byte order is le, be, or {{switch-on, cases}}, not {kind_of(value)}")
            return "be"  # the error was reported already; do not report its consequences
        self.keys(value, frozenset({"switch-on", "cases"}), key)
        on = self.source.expression(value["switch-on"], (*key, "switch-on")) if "switch-on" in value else None
        cases = value.get("cases")
        if on is None or not isinstance(cases, dict):
            self.report(key, "a computed byte order needs `switch-on` and `cases`")
            return "be"
        made: list[tuple[Expr | None, str]] = []
        for label, order in cases.items():
            at = (*key, "cases", label)
            if order not in ("le", "be"):
                self.report(at, f"expected le or be, got {kind_of(order)}")
            made.append((None if label == "_" else self.source.expression(label, at), str(order)))
        return ByteOrder(on, tuple(made), key, tuple(cases))

    def enumeration(self, name: str, value: Any, made: Structure, key: Key) -> None:
        self.name(name, "enum ID", key)
        if not isinstance(value, dict):
            self.report(key, f"expected a mapping, got {kind_of(value)}")
            return
        members: dict[int, str] = {}
        first: dict[str, str] = {}
        for number, member in value.items():
            at = (*key, number)
            if isinstance(member, dict):
                self.keys(member, _MEMBER_KEYS, at)
                if not isinstance(member.get("doc", ""), str):
                    self.report((*at, "doc"), f"expected text, got {kind_of(member['doc'])}")
                if "id" not in member:
                    self.report(at, "`id` is missing")
                    continue
                at = (*at, "id")
            given = member["id"] if isinstance(member, dict) else member
            label = self.name(str(given).lower() if isinstance(given, bool) else given, "enum member ID", at)
            if label in first:
                self.report((*key, number), f"duplicate enum member {label!r}, first defined at {first[label]}")
            first.setdefault(label, "/" + "/".join(map(str, (*key, number))))
            try:
                value_of = _integer(number)
            except ValueError:
                self.report((*key, number), f"{number!r} is not an integer")
                continue
            if value_of in members:
                self.report((*key, number), f"{number} is {members[value_of]!r} already")
            members[value_of] = label
        made.enums[name] = Enumeration(name, made, members)

    def parameter(self, value: dict[str, Any], made: Structure, key: Key) -> Field:
        self.keys(value, _PARAM_KEYS, key)
        if "id" not in value:
            self.report(key, "`id` is missing")
        name = self.name(value["id"], "param ID", (*key, "id")) if "id" in value else "_"
        text = value.get("type")
        kind: DataType = ANY
        if text is None:
            kind = parameter_type("bytes", made)
        elif not isinstance(text, str):
            self.report((*key, "type"), f"expected text, got {kind_of(text)}")
        else:
            try:
                kind = parameter_type(text, made)
            except ExpressionError as error:
                self.report((*key, "type"), str(error))
        if isinstance(value.get("enum"), str):
            if isinstance(kind, Integer):
                try:
                    kind = Enum(parse_type(value["enum"])[0], kind)
                except ExpressionError as error:
                    self.report((*key, "enum"), str(error))
            else:
                self.report((*key, "enum"), f"only an integer can be an enum, not {text}")
        return Field(name, "param", key, kind, doc=str(value.get("doc", "")))


def _integer(text: str) -> int:
    """Convert a key of an enum to int, in any integer notation of the expression language."""
    found = integer(parse(re.sub(r"^(-?)0+(?=[0-9])", r"\1", text)))
    if found is None:
        raise ValueError(text)
    return found
