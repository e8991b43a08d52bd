"""Cursor: primitives read at the position of a window, which moves to their end."""

from __future__ import annotations

import struct
from typing import Any

from harness.grammar.engine.node import Window
from harness.grammar.engine.plan import number_codec
from harness.grammar.language.primitive import Kind, Primitive

MAX_VARINT = 10


class ShortError(Exception):
    """Fewer bytes are left than are needed."""

    def __init__(self, needed: int, left: int) -> None:
        self.needed, self.left = needed, left
        super().__init__(needed, left)


class LongError(Exception):
    """A variable-length number of more than ten bytes."""


def read_number(window: Window, primitive: Primitive, *, big: bool, bits_big: bool) -> Any:
    """The number at the position of the window.

    Raises:
        ShortError: if the window ends first.
        LongError: if a variable-length number has more than ten bytes.
    """
    kind = primitive.kind
    if kind is Kind.BITS:
        bits = read_bits(window, primitive.width, big=bits_big)
        negative = primitive.signed and bits >> (primitive.width - 1)
        return bits - (1 << primitive.width) if negative else bits
    if kind is Kind.FLAG:
        return bool(read_bits(window, 1, big=bits_big))
    window.align()
    if kind is Kind.VARINT:
        return _read_varint(window, primitive.name)
    at, end = window.pos, window.pos + primitive.width
    if end > window.end:
        raise ShortError(primitive.width, max(0, window.end - at))
    window.pos = end
    codec = number_codec(primitive, big=big)
    if codec is not None:
        return codec.unpack_from(window.buffer.data, at)[0]
    return int.from_bytes(window.buffer.data[at:end], "big" if big else "little", signed=primitive.signed)


def read_bits(window: Window, count: int, *, big: bool) -> int:
    """An unsigned number of `count` bits.

    Raises:
        ShortError: if the window ends first.
    """
    if window.bit and window.big != big:
        window.align()
    window.big = big
    first, taken = window.pos, window.bit + count
    last = first + (taken + 7) // 8
    if last > window.end:
        raise ShortError(last - first, max(0, window.end - first))
    data = window.buffer.data[first:last]
    if big:
        value = int.from_bytes(data, "big") >> (len(data) * 8 - taken)
    else:
        value = int.from_bytes(data, "little") >> window.bit
    window.pos, window.bit = first + taken // 8, taken % 8
    return value & ((1 << count) - 1)


def _read_varint(window: Window, name: str) -> int:
    data, at, end = window.buffer.data, window.pos, window.end
    stop = min(end, at + MAX_VARINT)
    here = at
    while here < stop and data[here] & 0x80:
        here += 1
    if here >= stop:
        if stop == end:
            raise ShortError(here - at + 1, end - at)
        raise LongError
    groups = [byte & 0x7F for byte in data[at : here + 1]]
    window.pos = here + 1
    if name == "vlq":
        groups.reverse()
    value = 0
    for group in reversed(groups):
        value = value << 7 | group
    if name == "zigzag":
        return value >> 1 ^ -(value & 1)
    if name == "sleb128" and groups[-1] & 0x40:
        return value - (1 << 7 * len(groups))
    return value


def read_row(window: Window, primitive: Primitive, count: int, *, big: bool) -> tuple[Any, ...]:
    """Several numbers of one width. The caller has checked that the window holds `count` of them."""
    window.align()
    at = window.pos
    window.pos = end = at + primitive.width * count
    data = window.buffer.data
    if primitive.code:
        return struct.unpack_from(f"{'>' if big else '<'}{count}{primitive.code}", data, at)
    order, width = "big" if big else "little", primitive.width
    return tuple(
        int.from_bytes(data[i : i + width], order, signed=primitive.signed)  # type: ignore[arg-type]
        for i in range(at, end, width)
    )


def find_terminator(data: Any, terminator: bytes, start: int, end: int) -> int:
    """Offset of a terminator, at a multiple of its own length from the start; -1 if there is none."""
    width, at = len(terminator), start
    while True:
        found: int = data.find(terminator, at, end)
        if found < 0 or (found - start) % width == 0:
            return found
        at = found + 1
