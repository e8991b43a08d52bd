"""Primitives: the built-in types of every grammar."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache


class Kind(StrEnum):
    """The family of a primitive."""

    INTEGER = "integer"
    FLOAT = "float"
    BITS = "bits"
    FLAG = "flag"
    VARINT = "varint"
    BYTES = "bytes"
    STRING = "string"


@dataclass(frozen=True, slots=True)
class Primitive:
    """A built-in type.

    Attributes:
        width: Bytes; bits for bit fields; 0 if the data determine it.
        signed: Whether an integer or a bit field is signed.
        big: Byte order (for bit fields: bit order) that the type's name fixes, True for big; None if it fixes none.
        code: `struct` format character; empty if `struct` has none.
    """

    name: str
    kind: Kind
    width: int = 0
    signed: bool = False
    big: bool | None = None
    code: str = ""

    @property
    def numeric(self) -> bool:
        """Whether its values are numbers."""
        return self.kind not in (Kind.BYTES, Kind.STRING)

    @property
    def bitwise(self) -> bool:
        """Whether its width is in bits."""
        return self.kind in (Kind.BITS, Kind.FLAG)


VARINTS = {
    "leb128": "unsigned, seven bits per byte, low bits first (protobuf's varint, DWARF's ULEB128)",
    "sleb128": "two's complement, seven bits per byte, low bits first (DWARF's SLEB128)",
    "zigzag": "leb128 whose lowest bit is the sign (protobuf's sint)",
    "vlq": "unsigned, seven bits per byte, high bits first (MIDI, ASN.1 tags)",
}
_CODES = {1: "B", 2: "H", 4: "I", 8: "Q"}
_FLOATS = {16: "e", 32: "f", 64: "d"}
_NUMBER = re.compile(r"([uif])([1-9][0-9]?)(le|be)?")
_BITS = re.compile(r"(s?)b([1-9][0-9]?)(le|be)?")
MAX_BITS = 64


@lru_cache(maxsize=1024)
def primitive(name: str) -> Primitive | None:
    """Find a primitive by name, or None.

    The names are `u8` to `u64` and `i8` to `i64` in whole bytes, `f16`, `f32`, `f64`, `b1` to `b64`, signed `sb1` to
    `sb64`, `flag`, `leb128`, `sleb128`, `zigzag`, `vlq`, `bytes` and `string`; numbers may end in `le` or `be`.
    """
    if name in ("bytes", "string"):
        return Primitive(name, Kind(name))
    if name in VARINTS:
        return Primitive(name, Kind.VARINT, signed=name in ("sleb128", "zigzag"))
    if name == "flag":
        return Primitive(name, Kind.FLAG, 1)
    if found := _BITS.fullmatch(name):
        bits, order = int(found[2]), _order(found[3])
        return Primitive(name, Kind.BITS, bits, signed=bool(found[1]), big=order) if bits <= MAX_BITS else None
    if not (found := _NUMBER.fullmatch(name)):
        return None
    letter, bits, big = found[1], int(found[2]), _order(found[3])
    if letter == "f":
        code = _FLOATS.get(bits)
        return Primitive(name, Kind.FLOAT, bits // 8, signed=True, big=big, code=code) if code is not None else None
    if bits % 8 or bits > 64:
        return None
    code = _CODES.get(bits // 8, "")
    signed = letter == "i"
    return Primitive(name, Kind.INTEGER, bits // 8, signed=signed, big=big, code=code.lower() if signed else code)


def _order(suffix: str | None) -> bool | None:
    return None if suffix is None else suffix == "be"


NAMES = (
    *(f"{sign}{bits}" for sign in "ui" for bits in range(8, 65, 8)),
    *("f16", "f32", "f64", "flag", "bytes", "string", *VARINTS),
)
"""Names suggested for a misspelt type; bit fields `b1` to `b64` and `sb1` to `sb64` exist, too."""
