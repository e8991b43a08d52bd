"""Field reader: reads one element of `seq` or `instances`, with its repetition, position and checks."""

from __future__ import annotations

from typing import Any

from harness.core.document import Key
from harness.grammar.language.expression import Expr
from harness.kaitai.source import Source, kind_of
from harness.kaitai.structure import ANY, Check, Field, Structure
from harness.kaitai.type_reader import COMMON_KEYS, TypeReader

_VALUE_KEYS = frozenset({"value", "doc", "doc-ref", "enum", "if", "valid"})
_REPEAT_KEYS = {"eos": None, "expr": "repeat-expr", "until": "repeat-until"}


class FieldReader:
    """Reads the fields of one type."""

    def __init__(self, source: Source, structure: Structure) -> None:
        self.source, self.structure = source, structure

    def expression(self, spec: dict[str, Any], name: str, key: Key) -> Expr | None:
        """Read the expression under a key; None if the key is absent."""
        return self.source.expression(spec[name], (*key, name)) if name in spec else None

    def keys(self, spec: dict[str, Any], known: frozenset[str], key: Key) -> None:
        """Report every key that is not in `known`."""
        for name, value in spec.items():
            if name not in known and not name.startswith("-"):
                self.source.report((*key, name), f"unknown key {name!r}; known are {', '.join(sorted(known))}")
            elif value is None and not name.startswith(("doc", "-")):
                self.source.report((*key, name), "a value is missing")

    def field(
        self, spec: dict[str, Any], name: str, key: Key, *, extra: frozenset[str] = frozenset(), kind: str = "seq"
    ) -> Field:
        """Read an element of `seq`, or an instance that is read at a position."""
        contents = self.contents(spec, key)
        type_reader = TypeReader(self.source, self.structure, spec, key)
        data_type, legal = type_reader.read(contents)
        repeat, repeat_by, repeat_keys = self.repeat(spec, key)
        self.keys(spec, COMMON_KEYS | legal | repeat_keys | extra, key)
        if contents is not None and "valid" in spec:
            self.source.report(key, "contents and valid exclude each other")
        return Field(
            name,
            "parse" if kind == "parse" else "seq",
            key,
            data_type,
            condition=self.expression(spec, "if", key),
            repeat=repeat,
            repeat_by=repeat_by,
            checks=self.checks(spec, key),
            contents=contents,
            doc=self.doc(spec, key),
        )

    def doc(self, spec: dict[str, Any], key: Key) -> str:
        """The string of `doc`; empty if it is absent."""
        found = spec.get("doc", "")
        references = spec.get("doc-ref", "")
        for name, value in (("doc", found), *(("doc-ref", each) for each in _listed(references))):
            if not isinstance(value, str):
                self.source.report((*key, name), f"expected text, got {kind_of(value)}")
        return str(found).strip()

    def instance(self, spec: dict[str, Any], name: str, key: Key) -> Field:
        """Read an element of `instances`: computed if it has a `value`, otherwise read at a position."""
        if "value" not in spec:
            found = self.field(spec, name, key, extra=frozenset({"pos", "io"}), kind="parse")
            found.position = self.expression(spec, "pos", key)
            found.io = self.expression(spec, "io", key)
            return found
        self.keys(spec, _VALUE_KEYS, key)
        enum = spec.get("enum")
        if enum is not None and not isinstance(enum, str):
            self.source.report((*key, "enum"), f"expected text, got {kind_of(enum)}")
        return Field(
            name,
            "value",
            key,
            ANY,
            condition=self.expression(spec, "if", key),
            checks=self.checks(spec, key),
            value=self.expression(spec, "value", key),
            enum=enum if isinstance(enum, str) else None,
            doc=self.doc(spec, key),
            derived=False,
        )

    def contents(self, spec: dict[str, Any], key: Key) -> bytes | None:
        """Read fixed bytes: a string, or a list of strings and bytes."""
        if "contents" not in spec:
            return None
        value, made = spec["contents"], b""
        for place, part in enumerate(_listed(value)):
            if isinstance(part, str):
                made += part.encode("utf-8")
            elif isinstance(value, list) and type(part) is int and 0 <= part <= 255:
                made += bytes([part])
            else:
                at = (*key, "contents", place) if isinstance(value, list) else (*key, "contents")
                self.source.report(at, f"expected a string or bytes, got {kind_of(part)}")
        if value in ("", []):
            self.source.report((*key, "contents"), "contents is empty")
        return made

    def repeat(self, spec: dict[str, Any], key: Key) -> tuple[str | None, Expr | None, frozenset[str]]:
        """Read the repetition: its kind, its count or condition, and the keys that belong to it."""
        if "repeat" not in spec:
            return None, None, frozenset()
        kind = spec["repeat"]
        if not isinstance(kind, str) or kind not in _REPEAT_KEYS:
            self.source.report((*key, "repeat"), f"expected eos, expr or until, got {kind_of(kind)}")
            return None, None, frozenset({"repeat-expr", "repeat-until"})
        by = _REPEAT_KEYS[kind]
        if by is None:
            return kind, None, frozenset()
        if by not in spec:
            self.source.report((*key, "repeat"), f"`repeat: {kind}` needs `{by}`")
        return kind, self.expression(spec, by, key), frozenset({by})

    def checks(self, spec: dict[str, Any], key: Key) -> tuple[Check, ...]:
        """The checks of `valid`; none if it is absent."""
        if "valid" not in spec:
            return ()
        value, at = spec["valid"], (*key, "valid")
        if not isinstance(value, dict):
            found = self.source.expression(value, at)
            return (Check("eq", (found,), at),) if found is not None else ()
        named = {name for name in value if not name.startswith("-")}
        rule = next(
            (rule for rule in ({"eq"}, {"min", "max"}, {"any-of"}, {"expr"}, {"in-enum"}) if rule & named), set()
        )
        for name in sorted(named - rule) or ([] if named else [None]):
            where = at if name is None else (*at, name)
            self.source.report(where, "valid takes one of: eq; min and max; any-of; expr; in-enum")
        made: list[Check] = []
        for rule in sorted(named & {"eq", "min", "max", "expr"}):
            found = self.source.expression(value[rule], (*at, rule))
            if found is not None:
                made.append(Check(rule, (found,), (*at, rule)))
        if "any-of" in named:
            values = value["any-of"]
            if not isinstance(values, list):
                self.source.report((*at, "any-of"), f"expected a list, got {kind_of(values)}")
                values = []
            parsed = [self.source.expression(each, (*at, "any-of", i)) for i, each in enumerate(values)]
            made.append(Check("any-of", tuple(e for e in parsed if e is not None), (*at, "any-of")))
        if "in-enum" in named:
            if value["in-enum"] is not True:
                self.source.report((*at, "in-enum"), f"only `true` is supported, got {kind_of(value['in-enum'])}")
            made.append(Check("in-enum", (), (*at, "in-enum")))
        return tuple(made)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
