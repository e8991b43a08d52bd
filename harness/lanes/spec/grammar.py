"""Grammar: what a binary format looks like; linting turns a document into one, or into all that is wrong with it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from harness.suite import Key

INTEGERS = {f"{sign}{bits}": (bits // 8, sign == "i") for sign in "ui" for bits in (8, 16, 32, 64)}
PRIMITIVES = frozenset({*INTEGERS, "bytes", "string"})
ENCODINGS = ("ascii", "utf-8", "latin-1")
REST = "rest"
MOST_VALUES = 256

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_GRAMMAR_KEYS = {"format", "title", "endian", "root", "framing", "types"}
_TYPE_KEYS = {"fields", "doc"}
_FIELD_KEYS = {
    "name", "type", "endian", "length", "repeat", "encoding", "terminator", "validate", "switch", "doc",
}  # fmt: skip
_CHECKS = {"equals", "one_of", "crc32_of"}

Constant = int | bytes | str


@dataclass(frozen=True, slots=True)
class Switch:
    """Which type a field has, by the value of an earlier one; no match leaves the field's own type."""

    by: str
    cases: dict[int | str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of a type."""

    name: str
    type: str
    big_endian: bool = True
    length: int | str | None = None
    """Bytes, the name of an earlier field that holds them, or `rest`; confines a nested type to that many bytes."""
    repeat: int | str | None = None
    """How often, the name of an earlier field that says so, or `rest`."""
    encoding: str = "utf-8"
    terminator: int | None = None
    """A string without a length ends after this byte."""
    accepts: tuple[Constant, ...] = ()
    """The only values that are valid; empty for any."""
    crc32_of: tuple[str, ...] = ()
    """Consecutive earlier fields whose bytes this checksum covers."""
    switch: Switch | None = None


@dataclass(frozen=True, slots=True)
class Grammar:
    """A grammar that passed lint."""

    root: str
    once: bool
    """False: the root type repeats until the end of the file."""
    types: dict[str, tuple[Field, ...]]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing lint has to say."""

    message: str
    where: Key = ()


@dataclass(frozen=True, slots=True)
class Lint:
    """The outcome of linting: a grammar exactly when there is no error."""

    grammar: Grammar | None
    errors: tuple[Finding, ...]
    warnings: tuple[Finding, ...]


def path_to_string(path: Key) -> str:
    """`types.Header.fields[0]`, as people write it."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def lint(value: Any) -> Lint:
    """Check a document as a whole; every error is found, not only the first."""
    return _Linter().run(value)


class _Linter:
    def __init__(self) -> None:
        self.errors: list[Finding] = []
        self.warnings: list[Finding] = []

    def error(self, message: str, *where: str | int) -> None:
        self.errors.append(Finding(message, where))

    def run(self, value: Any) -> Lint:
        if not isinstance(value, dict):
            self.error(f"a grammar is a mapping, not {_kind(value)}")
            return self.done(None)
        self.keys(value, _GRAMMAR_KEYS)
        big = self.endian(value.get("endian"))
        if "endian" not in value:
            self.warnings.append(Finding("no endian is given; big is assumed", ("endian",)))
        types = value.get("types")
        if not isinstance(types, dict) or not types:
            self.error("Grammar has no type definitions", "types")
            return self.done(None)
        framing = value.get("framing", {})
        if not isinstance(framing, dict) or framing.get("repeat", "until_eof") not in ("until_eof", "once"):
            self.error("framing must be {repeat: until_eof} or {repeat: once}", "framing")
            framing = {}
        root = value.get("root", next(iter(types)))
        if not isinstance(root, str) or root not in types:
            self.error(f"Unknown type {root!r}", "root")
        made = {str(name): self.type(str(name), body, types, big=big) for name, body in types.items()}
        return self.done(Grammar(str(root), framing.get("repeat") == "once", made))

    def done(self, grammar: Grammar | None) -> Lint:
        return Lint(None if self.errors else grammar, tuple(self.errors), tuple(self.warnings))

    def keys(self, value: dict[Any, Any], known: set[str], *where: str | int) -> None:
        for key in value:
            if key not in known:
                self.error(f"unknown key {key!r}; known are {', '.join(sorted(known))}", *where, key)

    def endian(self, value: Any, *where: str | int) -> bool:
        if value not in (None, "big", "little"):
            self.error(f"endian must be big or little, not {value!r}", *where, "endian")
        return bool(value != "little")

    def type(self, name: str, body: Any, types: dict[Any, Any], *, big: bool) -> tuple[Field, ...]:
        where: Key = ("types", name)
        if not _NAME.fullmatch(name) or name in PRIMITIVES:
            self.error(f"{name!r} is no name for a type", *where)
        fields = body.get("fields") if isinstance(body, dict) else None
        if not isinstance(fields, list) or not fields:
            self.error("a type needs a list of fields", *where)
            return ()
        self.keys(body, _TYPE_KEYS, *where)
        made: dict[str, Field] = {}
        for index, raw in enumerate(fields):
            at: Key = (*where, "fields", index)
            if not isinstance(raw, dict):
                self.error(f"a field is a mapping, not {_kind(raw)}", *at)
                continue
            built = self.field(raw, made, types, at, big=big)
            if built.name in made:
                self.error(f"duplicate field {built.name!r}", *at)
            made[built.name] = built
        return tuple(made.values())

    def field(
        self, raw: dict[Any, Any], earlier: dict[str, Field], types: dict[Any, Any], at: Key, *, big: bool
    ) -> Field:
        self.keys(raw, _FIELD_KEYS, *at)
        name, kind = raw.get("name"), raw.get("type")
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            self.error(f"{name!r} is no name for a field", *at, "name")
            name = "_"
        if not isinstance(kind, str) or (kind not in PRIMITIVES and kind not in types):
            self.error(f"Unknown type {kind!r}", *at, "type")
            kind = "u8"
        terminator = raw.get("terminator")
        if terminator is not None and (kind != "string" or not _natural(terminator) or terminator > 255):
            self.error("terminator is a byte, for a string", *at, "terminator")
        length = self.amount(raw.get("length"), earlier, *at, "length")
        repeat = self.amount(raw.get("repeat"), earlier, *at, "repeat")
        if kind in ("bytes", "string") and length is None and terminator is None:
            self.error(f"{kind} needs a length", *at, "length")
        if kind in INTEGERS and length is not None and "switch" not in raw:
            self.error(f"{kind} has its own length", *at, "length")
        if repeat is not None and (kind in ("bytes", "string") or "switch" in raw):
            self.error("repeat is for numbers and nested types", *at, "repeat")
        if repeat is not None and length is not None:
            self.error("repeat and length exclude each other", *at, "repeat")
        encoding = raw.get("encoding", "utf-8")
        if encoding not in ENCODINGS:
            self.error(f"encoding must be one of {', '.join(ENCODINGS)}", *at, "encoding")
        accepts, crc = self.checks(raw.get("validate", {}), kind, earlier, *at, "validate")
        if (accepts or crc) and repeat is not None:
            self.error("a repeated field cannot be validated", *at, "validate")
        return Field(
            name=name,
            type=kind,
            big_endian=self.endian(raw["endian"], *at) if "endian" in raw else big,
            length=length,
            repeat=repeat,
            encoding=encoding,
            terminator=terminator,
            accepts=accepts,
            crc32_of=crc,
            switch=self.switch(raw["switch"], earlier, types, *at, "switch") if "switch" in raw else None,
        )

    def amount(self, value: Any, earlier: dict[str, Field], *where: str | int) -> int | str | None:
        if value is None or value == REST or _natural(value):
            return value  # type: ignore[no-any-return]
        if isinstance(value, str) and value in earlier and _is_number(earlier[value]):
            return value
        self.error(f"{value!r} is neither a number, nor an earlier whole-number field, nor {REST!r}", *where)
        return None

    def checks(
        self, raw: Any, kind: str, earlier: dict[str, Field], *where: str | int
    ) -> tuple[tuple[Constant, ...], tuple[str, ...]]:
        if not isinstance(raw, dict):
            self.error("validate is a mapping", *where)
            return (), ()
        self.keys(raw, _CHECKS, *where)
        values = [raw["equals"]] if "equals" in raw else raw.get("one_of", [])
        if not isinstance(values, list) or len(values) > MOST_VALUES:
            self.error(f"one_of is a list of at most {MOST_VALUES} values", *where, "one_of")
            values = []
        accepts = []
        for value in values:
            constant = _constant(value, kind)
            if constant is None:
                self.error(f"{value!r} is no {kind}", *where)
            else:
                accepts.append(constant)
        crc = raw.get("crc32_of", [])
        names = list(earlier)
        if crc and (not isinstance(crc, list) or kind != "u32" or not _consecutive(crc, names)):
            self.error("crc32_of names consecutive earlier fields, on a u32", *where, "crc32_of")
            crc = []
        return tuple(accepts), tuple(crc)

    def switch(self, raw: Any, earlier: dict[str, Field], types: dict[Any, Any], *where: str | int) -> Switch | None:
        if not isinstance(raw, dict) or not isinstance(raw.get("cases"), dict):
            self.error("switch is {by: field, cases: {value: Type}}", *where)
            return None
        self.keys(raw, {"by", "cases"}, *where)
        tag = earlier.get(raw["by"]) if isinstance(raw.get("by"), str) else None
        if tag is None or tag.type not in PRIMITIVES - {"bytes"} or tag.repeat is not None or tag.switch:
            self.error(f"{raw.get('on')!r} is no earlier number or string", *where, "by")
            return None
        cases: dict[int | str, str] = {}
        for value, target in raw["cases"].items():
            constant = _constant(value, tag.type)
            if not isinstance(constant, int | str):
                self.error(f"{value!r} is no {tag.type}", *where, "cases", value)
            elif not isinstance(target, str) or target not in types:
                self.error(f"Unknown type {target!r}", *where, "cases", value)
            elif constant in cases:
                self.error(f"case {value!r} is there twice", *where, "cases", value)
            else:
                cases[constant] = target
        return Switch(tag.name, cases)


def _kind(value: Any) -> str:
    return "nothing" if value is None else f"a {type(value).__name__}"


def _natural(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 63


def _is_number(field: Field) -> bool:
    return field.type in INTEGERS and field.repeat is None and field.switch is None


def _consecutive(wanted: list[Any], names: list[str]) -> bool:
    return any(names[i : i + len(wanted)] == wanted for i in range(len(names)))


def _constant(value: Any, kind: str) -> Constant | None:
    """A value as a field of that kind holds it; a number may be text (`"0x0a"`), bytes text or a list of numbers."""
    if kind in INTEGERS:
        if isinstance(value, str):
            try:
                return int(value, 0)
            except ValueError:
                return None
        return value if isinstance(value, int) and not isinstance(value, bool) else None
    if kind == "string":
        return value if isinstance(value, str) else None
    if kind == "bytes":
        try:
            return value.encode("latin-1") if isinstance(value, str) else bytes(list(value))
        except (ValueError, TypeError):  # UnicodeEncodeError is a ValueError
            return None
    return None
