"""Type reader: turns the keys of a field that define its type into a `DataType`."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from harness.core.document import Key
from harness.grammar.language.expression import Expr, Literal
from harness.kaitai import structure as st
from harness.kaitai.encodings import unit
from harness.kaitai.expression import integer
from harness.kaitai.parser import parse, parse_type
from harness.kaitai.scanner import ExpressionError
from harness.kaitai.source import Source, kind_of

COMMON_KEYS = frozenset(
    {"id", "doc", "doc-ref", "type", "if", "terminator", "consume", "include", "eos-error", "repeat", "valid"}
)
_BYTES_KEYS = frozenset({"contents", "size", "size-eos", "pad-right", "parent", "process"})
_STRING_KEYS = frozenset({"size", "size-eos", "pad-right", "encoding"})
_ENUM_KEYS = frozenset({"enum"})

_INTEGER = re.compile(r"([us])(?:(1)|([248])(le|be)?)")
_FLOAT = re.compile(r"f([48])(le|be)?")
_BITS = re.compile(r"b([0-9]+)(le|be)?")
_PROCESS = re.compile(r"([a-z][a-z0-9_.]*)\s*(\(.*\))?", re.DOTALL)
_PARAMS: dict[str, st.DataType] = {
    "str": st.STRING, "bytes": st.BYTES, "bool": st.BOOLEAN, "struct": st.STRUCT, "io": st.STREAM, "any": st.ANY,
}  # fmt: skip


class TypeReader:
    """Reads the type of one field; errors are added to the source's findings."""

    def __init__(self, source: Source, structure: st.Structure, spec: dict[str, Any], key: Key) -> None:
        self.source, self.structure, self.spec, self.key = source, structure, spec, key
        self.enum = self.text("enum")
        self.process = self.read_process()
        for name in ("include", "consume", "eos-error", "size-eos"):
            self.boolean(name, default=False)
        self.ending, self.pad = self.terminator(), self.byte("pad-right")

    def read(self, contents: bytes | None) -> tuple[st.DataType, frozenset[str]]:
        """Read the type; also return the additional keys that a field of this type may have."""
        raw = self.spec.get("type")
        if contents is not None and raw is None:
            return st.Bytes("size", Literal(len(contents)), process=self.process), _BYTES_KEYS
        if isinstance(raw, dict):
            return self.read_switch(raw), _BYTES_KEYS
        if raw is not None and not isinstance(raw, str | int | bool):
            self.source.report((*self.key, "type"), f"expected text or a mapping, got {kind_of(raw)}")
            return st.BYTES, _BYTES_KEYS | _STRING_KEYS | _ENUM_KEYS
        found = self.named(None if raw is None else str(raw), (*self.key, "type"))
        return found, self.more_keys(found)

    def more_keys(self, found: st.DataType) -> frozenset[str]:
        """Return the additional keys that a type allows."""
        match found:
            case st.Bytes() | st.User():
                return _BYTES_KEYS
            case st.String():
                return _STRING_KEYS
            case st.Integer() | st.Boolean() | st.Enum():
                return _ENUM_KEYS if self.enum is not None else frozenset()
        return frozenset()

    def named(self, name: str | None, key: Key) -> st.DataType:
        """Read a type by its name in `type:` or in a case of a switch."""
        found = self.plain(name, key)
        if self.enum is None:
            return found
        if not isinstance(found, st.Integer):
            self.source.report((*self.key, "enum"), f"only an integer can be an enum, not {name or 'bytes'}")
            return found
        try:
            return st.Enum(parse_type(self.enum)[0], found)
        except ExpressionError as error:
            self.source.report((*self.key, "enum"), str(error))
            return found

    def plain(self, name: str | None, key: Key) -> st.DataType:
        """Read a type by its name, without an enum."""
        place = self.key if key[-1] == "type" else key  # a case of a switch has a place of its own
        if name is None:
            return self.sized_bytes(place)
        number = numeric(name, self.structure, alone=self.enum is None)
        if number is not None:
            if isinstance(number, str):
                self.source.report(key, number)
                return st.INTEGER
            return number
        if name in ("str", "strz"):
            return self.string(place, zero=name == "strz")
        try:
            reference, arguments = parse_type(name)
        except ExpressionError as error:
            self.source.report(key, f"invalid type: {error}")
            return st.STRUCT
        if reference.array:
            self.source.report(key, f"{name!r} is an array; write `repeat` for one")
        parent = self.spec.get("parent")
        user = st.User(
            reference,
            arguments,
            self.sized_bytes(place) if {"size", "terminator"} & self.spec.keys() or self.spec.get("size-eos") else None,
            None if parent in (None, False) else self.source.expression(parent, (*self.key, "parent")),
            parent is False,
        )
        if user.bytes is None and self.process:
            self.source.report(
                self.key, f"the structure {name} needs size, size-eos or terminator where process is used"
            )
        return user

    def string(self, place: Key, *, zero: bool) -> st.String:
        """The type of `str` or, with `zero`, `strz`."""
        encoding = self.text("encoding") or self.structure.encoding
        if not encoding:
            self.source.report(place, "a string, but no encoding is given here or in meta")
        raw = self.sized_bytes(place, default=bytes(unit(encoding or "ASCII")) if zero else None)
        return st.String(raw, encoding or "")

    def sized_bytes(self, place: Key, *, default: bytes | None = None) -> st.Bytes:
        """Read the keys that define the bytes of a field."""
        spec = self.spec
        size = self.source.expression(spec["size"], (*self.key, "size")) if "size" in spec else None
        eos = self.boolean("size-eos", default=False)
        terminator = self.ending or default
        if "size" in spec and eos:
            self.source.report(place, "only one of size and size-eos can be given")
        if "size" not in spec and not eos and terminator is None:
            self.source.report(place, "size, size-eos or terminator must be given")
        return st.Bytes(
            "size" if "size" in spec else "eos" if eos else "terminator",
            size,
            terminator,
            self.boolean("include", default=False),
            self.boolean("consume", default=True),
            self.boolean("eos-error", default=True),
            self.pad,
            self.process,
        )

    def terminator(self) -> bytes | None:
        """The bytes of `terminator`; None if it is absent or invalid."""
        value = self.spec.get("terminator")
        if isinstance(value, list) and value and all(isinstance(x, int) and 0 <= x <= 255 for x in value):
            return bytes(value)
        found = self.byte("terminator")
        return None if found is None else bytes([found])

    def byte(self, name: str) -> int | None:
        """Read an integer of 0 to 255 under a key."""
        value = self.spec.get(name)
        if isinstance(value, str):
            try:
                number = integer(parse(value))
                value = value if number is None else number
            except ExpressionError:
                pass
        if value is None or (type(value) is int and 0 <= value <= 255):
            return value
        self.source.report((*self.key, name), f"expected an integer from 0 to 255, got {kind_of(value)}")
        return None

    def boolean(self, name: str, *, default: bool) -> bool:
        """Read a boolean under a key."""
        value = self.spec.get(name, default)
        if isinstance(value, bool):
            return value
        self.source.report((*self.key, name), f"expected true or false, got {kind_of(value)}")
        return default

    def text(self, name: str) -> str | None:
        """Read a string under a key."""
        value = self.spec.get(name)
        if value is None or isinstance(value, str):
            return value
        if isinstance(value, int | float):
            return str(value).lower()
        self.source.report((*self.key, name), f"expected text, got {kind_of(value)}")
        return None

    def read_process(self) -> st.Process | None:
        """The processing of `process`; None if it is absent or invalid."""
        text = self.text("process")
        if text is None:
            return None
        found = _PROCESS.fullmatch(text.strip())
        if not found:
            self.source.report((*self.key, "process"), f"{text!r} is not a process")
            return None
        try:
            arguments = parse_type(f"x{found[2]}")[1] if found[2] else ()
        except ExpressionError as error:
            self.source.report((*self.key, "process"), str(error))
            arguments = ()
        name = found[1]
        wanted = {"zlib": 0, "xor": 1, "rol": 1, "ror": 1}.get(name)
        if wanted is not None and wanted != len(arguments):
            self.source.report((*self.key, "process"), f"{name} takes {wanted} argument(s), not {len(arguments)}")
        return st.Process(name, arguments)

    def read_switch(self, raw: dict[str, Any]) -> st.DataType:
        """Read a type that is selected by a value."""
        here = (*self.key, "type")
        for name in raw:
            if name not in ("switch-on", "cases") and not name.startswith("-"):
                self.source.report((*here, name), f"unknown key {name!r}; known are cases, switch-on")
        for name in ("switch-on", "cases"):
            if raw.get(name) is None:
                self.source.report(here, f"`{name}` is missing")
        on = (
            self.source.expression(raw["switch-on"], (*here, "switch-on")) if raw.get("switch-on") is not None else None
        )
        cases = raw.get("cases", {})
        if not isinstance(cases, dict):
            self.source.report((*here, "cases"), f"expected a mapping, got {kind_of(cases)}")
            cases = {}
        elif not cases and "cases" in raw:
            self.source.report((*here, "cases"), "`cases` is empty")
        made: list[tuple[Expr | None, st.DataType]] = []
        for label, name in cases.items():
            at = (*here, "cases", label)
            if not isinstance(name, str):
                self.source.report(at, f"expected the name of a type, got {kind_of(name)}")
                continue
            value = None if label == "_" else self.source.expression(label, at)
            if label == "_" or value is not None:
                made.append((value, self.named(name, at)))
        if all(value is not None for value, _ in made) and {"size", "size-eos"} & self.spec.keys():
            made.append((None, replace(self.sized_bytes(self.key), terminator=None, pad=None)))
        return st.Switch(on, tuple(made), tuple(cases)) if on else st.STRUCT


def numeric(name: str, structure: st.Structure, *, alone: bool = True) -> st.DataType | str | None:
    """Read a number type. Returns a message if its byte order or width is missing; None for other types."""
    if found := _INTEGER.fullmatch(name):
        width = int(found[2] or found[3])
        order = _order(name, found[4], structure, needed=width > 1)
        if isinstance(order, str) and order not in ("le", "be"):
            return order
        return st.Integer(width, found[1] == "s", order)
    if found := _FLOAT.fullmatch(name):
        order = _order(name, found[2], structure, needed=True)
        return order if isinstance(order, str) and order not in ("le", "be") else st.Float(int(found[1]), order)
    if found := _BITS.fullmatch(name):
        bits, order = int(found[1]), found[2] or structure.bit_order
        if not 1 <= bits <= 64:
            return f"{name} must have 1 to 64 bits"
        return st.Boolean(order) if bits == 1 and alone else st.Integer(None, False, order, bits)
    return None


def _order(name: str, suffix: str | None, structure: st.Structure, *, needed: bool) -> str | None:
    if suffix or not needed:
        return suffix
    outer: st.Structure | None = structure
    while outer:
        if outer.order is not None:
            return outer.order if isinstance(outer.order, str) else None
        outer = outer.outer
    return f"{name} needs a byte order: meta has no default `endian`"


def parameter_type(name: str, structure: st.Structure) -> st.DataType:
    """Read a type by its name in parameters and casts.

    Raises:
        ExpressionError: if the name is invalid.
    """
    if name.endswith("[]"):
        return st.Array(parameter_type(name[:-2], structure))
    if name in _PARAMS:
        return _PARAMS[name]
    number = numeric(name, structure)
    if isinstance(number, str):
        return st.INTEGER if name[0] in "us" else st.Float()
    if number is not None:
        return number
    reference, arguments = parse_type(name)
    if arguments:
        raise ExpressionError(name, len(str(reference)), "arguments are not allowed here")
    return st.User(reference)
