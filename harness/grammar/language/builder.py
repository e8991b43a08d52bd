"""Grammar builder: turns a document's values into a `Grammar` as far as possible and reports all errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.grammar.language import grammar as g
from harness.grammar.language.constant import constant_key
from harness.grammar.language.constructs import GRAMMAR, RECORD_SWITCH, REGISTRY_ENTRY, SWITCH, TYPE
from harness.grammar.language.expression import Attribute, Expr, Name
from harness.grammar.language.field_builder import FieldBuilder
from harness.grammar.language.finding import Key, Report
from harness.grammar.language.primitive import primitive
from harness.grammar.language.raw_values import Raw, kind_of, number, short
from harness.grammar.processing import PROCESSORS, Processor


def build(value: Any, report: Report, processes: Mapping[str, Processor]) -> g.Grammar | None:
    """Build a grammar; None if the document defines no types. The grammar is usable only if no error was reported."""
    return _Builder(report, {**PROCESSORS, **processes}).grammar(value)


def magic_bytes(value: Any) -> bytes:
    """Return the bytes of a constant of `magic`; empty if it is invalid."""
    try:
        if isinstance(value, str):
            return value.encode("latin-1")
        return bytes(value) if isinstance(value, list) else b""
    except (ValueError, TypeError):
        return b""


_WRITE_TYPES = "write `types:`, and under it a type for each kind of record"


class _Builder:
    def __init__(self, report: Report, processes: dict[str, Processor]) -> None:
        self.report, self.raw, self.processes = report, Raw(report), processes
        self.bits_big, self.encoding = True, "utf-8"

    def grammar(self, value: Any) -> g.Grammar | None:
        if not isinstance(value, dict):
            self.report.error("wrong-kind", f"a grammar is a mapping, not {kind_of(value)}", (), hint=_WRITE_TYPES)
            return None
        self.raw.keys(value, GRAMMAR, ())
        form = value.get("format", "record_stream")
        if form != "record_stream":
            self.report.error("unknown-format", f"Unsupported format: {str(form)[:80]}", ("format",))
        big = self.raw.order(value, "endian", ())
        if value.get("endian") is None:
            self.report.warning(
                "assumed-endian", "no endian is given; big is assumed", (), hint="write endian: big or endian: little"
            )
        self.bits_big = self.raw.order(value, "bit_order", ()) is not False
        self.encoding = self.raw.encoding(value.get("encoding"), ("encoding",), "utf-8")
        raw_types = value.get("types")
        if not isinstance(raw_types, dict) or not raw_types:
            key = ("types",) if "types" in value else ()
            self.report.error("no-types", "Grammar has no type definitions", key, hint=_WRITE_TYPES)
            return None
        enums = self.enums(value.get("enums"))
        names = {str(name): i for i, name in enumerate(raw_types)}
        fields = FieldBuilder(self.raw, names, enums, self.processes)
        types = {str(name): self.type(str(name), body, fields, enums) for name, body in raw_types.items()}
        framing = self.raw.mapping(value.get("framing") or {}, ("framing",), "framing")
        self.raw.keys(framing, ("repeat",), ("framing",))
        repeat = framing.get("repeat", "until_eof")
        if repeat not in ("until_eof", "once"):
            hint = "write until_eof or once"
            self.report.error("wrong-value", f"unknown framing {short(repeat)}", ("framing", "repeat"), hint=hint)
        root = fields.reference(value.get("root", next(iter(names))), ("root",))
        if root is not None and root.primitive is not None:
            self.report.error("unknown-type", f"{root.name} is not a type of the grammar", ("root",))
        if root is None or root.primitive is not None:
            root = g.TypeRef(next(iter(names)))
        return g.Grammar(
            root=root.name,
            arguments=root.arguments,
            once=repeat == "once",
            types=types,
            enums=enums,
            select=self.select(value["record"], types) if value.get("record") is not None else None,
            registry=self.registry(value.get("registry"), fields),
            big=big is not False,
            title=self.raw.text(value.get("title", ""), ("title",), "title"),
            magic=self.magic(value.get("magic")),
            processes=self.processes,
            document=value,
        )

    def magic(self, value: Any) -> tuple[tuple[int, bytes], ...]:
        made = []
        if value is not None and not isinstance(value, list):
            self.report.error("wrong-kind", "magic is a list of {at: OFFSET, equals: BYTES}", ("magic",))
            return ()
        for i, raw in enumerate(value or ()):
            path: Key = ("magic", i)
            entry = self.raw.mapping(raw, path, "magic")
            self.raw.keys(entry, ("at", "equals"), path)
            at, constant = number(entry.get("at", 0)), magic_bytes(entry.get("equals"))
            if at is None or at < 0:
                self.report.error("wrong-value", f"{short(entry['at'])} is not an offset", (*path, "at"))
            elif not constant:
                hint = 'write "PK" or [0x50, 0x4b]'
                self.report.error("wrong-value", f"{short(entry.get('equals'))} is not bytes", path, hint=hint)
            else:
                made.append((at, constant))
        return tuple(made)

    def enums(self, value: Any) -> dict[str, g.EnumDef]:
        made = {}
        for name, body in self.raw.mapping(value or {}, ("enums",), "enums").items():
            path: Key = ("enums", str(name))
            if not all(self.raw.name(part, path, "an enum") for part in str(name).split("::")):
                continue
            labels: dict[int, str] = {}
            numbers: dict[str, int] = {}
            for key, raw in self.raw.mapping(body, path, "an enum").items():
                place = (*path, str(key))
                found = number(key)
                label = raw.get("id") if isinstance(raw, dict) else raw
                if found is None:
                    self.report.error("wrong-value", f"{short(key)} is not an integer", place)
                elif found in labels:
                    self.report.error("duplicate", f"duplicate number {found}", place)
                elif not isinstance(label, str) or not label.isidentifier():
                    self.report.error("bad-name", f"{short(label)} is not a valid label", place)
                else:
                    if label in numbers:
                        self.report.warning("duplicate", f"duplicate label {label!r}", place)
                    labels[found] = str(label)
                    numbers.setdefault(str(label), found)
            made[str(name)] = g.EnumDef(str(name), labels, numbers)
        return made

    def type(self, name: str, body: Any, fields: FieldBuilder, enums: dict[str, g.EnumDef]) -> g.TypeDef:
        path: Key = ("types", name)
        if self.raw.name(name, path, "a type") is not None and primitive(name) is not None:
            self.report.error("bad-name", f"{name!r} is the name of a primitive", path)
        body = self.raw.mapping(body, path, "a type")
        self.raw.keys(body, TYPE, path)
        bits = self.raw.order(body, "bit_order", path)
        encoding = self.raw.encoding(body.get("encoding"), (*path, "encoding"), self.encoding)
        listed = body.get("fields", [] if body.get("instances") else None)
        if not isinstance(listed, list):
            self.report.error("no-fields", f"type {name!r} needs a list of fields", path)
            listed = []
        params = self.params(body.get("params"), (*path, "params"))
        taken = dict.fromkeys(params, 0)
        made: dict[str, list[g.Field]] = {"fields": [], "instances": []}
        given = body.get("instances") or []
        instances: list[tuple[Any, str | int, str | None]] = (
            [
                (raw, str(key), self.raw.name(key, (*path, "instances", str(key)), "an instance"))
                for key, raw in given.items()
            ]
            if isinstance(given, dict)
            else [(raw, i, None) for i, raw in enumerate(given)]
            if isinstance(given, list)
            else []
        )
        parts: list[tuple[str, Any, str | int, str | None]] = [("fields", raw, i, None) for i, raw in enumerate(listed)]
        parts += [("instances", raw, key, found) for raw, key, found in instances]
        for where, raw, key, own in parts:
            at = (*path, where, key)
            field = fields.field(
                raw,
                at,
                index=len(made[where]),
                name=own,
                lazy=where == "instances",
                encoding=encoding,
                bits_big=self.bits_big if bits is None else bits,
            )
            if field is None:
                continue
            if field.name in taken:
                self.report.error("duplicate", f"duplicate field {field.name!r}", at)
                continue
            taken[field.name] = 1
            made[where].append(field)
        return g.TypeDef(
            name=name,
            fields=tuple(made["fields"]),
            instances=tuple(made["instances"]),
            params=params,
            endian=self.endian(body, path, enums),
            module=self.raw.text(body.get("module", ""), (*path, "module"), "module"),
            doc=self.raw.text(body.get("doc", ""), (*path, "doc"), "doc"),
        )

    def params(self, value: Any, path: Key) -> tuple[str, ...]:
        if value is None:
            return ()
        if not isinstance(value, list):
            self.report.error("wrong-kind", "params is a list of names", path)
            return ()
        found = [self.raw.name(name, (*path, i), "a parameter") for i, name in enumerate(value)]
        names = [name for name in found if name is not None]
        if len(set(names)) < len(names):
            self.report.error("duplicate", "duplicate parameter", path)
        return tuple(dict.fromkeys(names))

    def endian(self, body: dict[Any, Any], path: Key, enums: dict[str, g.EnumDef]) -> g.EndianSwitch | bool | None:
        value = body.get("endian")
        if not isinstance(value, dict):
            return self.raw.order(body, "endian", path)
        at = (*path, "endian")
        self.raw.keys(value, SWITCH, at)
        by = self.raw.expression(value.get("by"), (*at, "by"))
        cases: dict[g.Constant, bool] = {}
        raw_cases = self.raw.mapping(value.get("cases"), (*at, "cases"), "cases")
        for key in raw_cases:
            order = self.raw.order(raw_cases, key, (*at, "cases"))
            if order is not None:
                cases[constant_key(key, enums)] = order
        return None if by is None else g.EndianSwitch(by, cases, self.raw.order(value, "default", at))

    def select(self, value: Any, types: dict[str, g.TypeDef]) -> g.RecordSwitch | None:
        raw = self.raw.mapping(value, ("record",), "record")
        self.raw.keys(raw, ("switch",), ("record",))
        path: Key = ("record", "switch")
        raw = self.raw.mapping(raw.get("switch"), path, "record.switch")
        self.raw.keys(raw, RECORD_SWITCH, path)
        expr = self.raw.expression(raw.get("expr"), (*path, "expr"))
        way = _way(expr) if expr is not None else ()
        cases: dict[g.Constant, str] = {}
        for key, target in self.raw.mapping(raw.get("cases"), (*path, "cases"), "cases").items():
            at = (*path, "cases", str(key))
            constant = constant_key(key, {})
            if self.known(target, types, at) and constant in cases:
                self.report.error("unreachable-case", f"duplicate case {short(key)}", at)
            cases.setdefault(constant, str(target))
        default = raw.get("default")
        if default is not None:
            self.known(default, types, (*path, "default"))
        if len(way) < 2:
            if expr is not None:
                self.report.error("wrong-value", "expr must be `Type.field`", (*path, "expr"))
            return None
        if not self.known(way[0], types, (*path, "expr")):
            return None
        return g.RecordSwitch(way[0], way[1:], cases, None if default is None else str(default))

    def known(self, name: Any, types: dict[str, g.TypeDef], path: Key) -> bool:
        if isinstance(name, str) and name in types:
            return True
        self.report.error("unknown-type", f"Unknown type {short(name)}", path, hint=self.report.nearest(name, types))
        return False

    def registry(self, value: Any, fields: FieldBuilder) -> dict[int, g.RegistryEntry]:
        made = {}
        for key, raw in self.raw.mapping(value or {}, ("registry",), "registry").items():
            path: Key = ("registry", str(key))
            found = number(key)
            entry = self.raw.mapping(raw, path, "a registry entry")
            self.raw.keys(entry, REGISTRY_ENTRY, path)
            if found is None:
                self.report.error("wrong-value", f"{short(key)} is not an integer", path)
                continue
            if found in made:
                self.report.error("duplicate", f"duplicate discriminator {short(key)}", path)
            name = self.raw.text(entry.get("name"), (*path, "name"), "name")
            decode = fields.decode(entry.get("decode") or {}, (*path, "decode"))
            made[found] = g.RegistryEntry(name, decode or g.Decode(decoder="hex"))
        return made


def _way(expr: Expr) -> tuple[str, ...]:
    match expr:
        case Name(name):
            return (name,)
        case Attribute(of, name):
            way = _way(of)
            return (*way, name) if way else ()
    return ()
