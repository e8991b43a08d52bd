"""Encoding: a value as the bytes of its field."""

from __future__ import annotations

import bz2
import lzma
import struct
import zlib
from collections.abc import Callable
from typing import Any

from harness.grammar.engine.cursor import find_terminator
from harness.grammar.engine.field_plan import terminator_of
from harness.grammar.engine.node import Leaf, Record
from harness.grammar.language.encodings import codec
from harness.grammar.language.expression import Expr, Literal
from harness.grammar.language.grammar import Field, Word
from harness.grammar.language.primitive import Kind, Primitive
from harness.grammar.processing import PROCESSORS


class WriteError(ValueError):
    """A value cannot be written; the message says why."""


def encode(leaf: Leaf, value: Any, record: Record, old: bytes) -> bytes:
    """Return the bytes of a leaf with a new value.

    Args:
        value: The new value: int, float, bool, str or bytes.

    Raises:
        WriteError: if the field cannot hold the value.
    """
    kind = leaf.primitive
    if leaf.field.compute is not None:
        raise WriteError("it is computed: change the fields that it comes from")
    if kind is None or kind.kind in (Kind.BYTES, Kind.STRING):
        return _text(leaf, _bytes(leaf, value, kind), record, old)
    if isinstance(value, str | bytes) or (isinstance(value, float) and kind.kind is not Kind.FLOAT):
        raise WriteError(f"{value!r} is not {kind.name}")
    if kind.kind is Kind.FLOAT:
        return struct.pack((">" if is_big(kind, leaf.field, record) else "<") + kind.code, value)
    if kind.bitwise:
        return _bits(leaf, int(value), kind, old)
    if kind.kind is Kind.VARINT:
        return _varint(int(value), kind.name)
    return number(int(value), kind, big=is_big(kind, leaf.field, record))


def number(value: int, kind: Primitive, *, big: bool) -> bytes:
    """Return an integer in the bytes of its type.

    Raises:
        WriteError: if it does not fit.
    """
    if kind.kind is Kind.VARINT:
        return _varint(value, kind.name)
    try:
        return value.to_bytes(kind.width, "big" if big else "little", signed=kind.signed)
    except OverflowError:
        raise WriteError(f"{value} does not fit {kind.name}") from None


def is_big(kind: Primitive, field: Field, record: Record) -> bool:
    """Whether a number is big-endian: by its type, else its field, else its record."""
    if kind.big is not None:
        return kind.big
    return bool(record.big if field.big is None else field.big)


def _bits(leaf: Leaf, value: int, kind: Primitive, old: bytes) -> bytes:
    width = kind.width
    if not (-(1 << width - 1) if kind.signed else 0) <= value < 1 << (width - kind.signed):
        raise WriteError(f"{value} does not fit {kind.name}")
    big = leaf.field.bits_big if kind.big is None else kind.big
    shift = 8 * len(old) - leaf.first_bit - width if big else leaf.first_bit
    order: Any = "big" if big else "little"
    mask = (1 << width) - 1
    whole = int.from_bytes(old, order) & ~(mask << shift) | (value & mask) << shift
    return whole.to_bytes(len(old), order)


def _varint(value: int, name: str) -> bytes:
    if name == "zigzag":
        value = value << 1 if value >= 0 else (-value << 1) - 1
    if value < 0 and name != "sleb128":
        raise WriteError(f"{value} does not fit {name}")
    groups, done = [], False
    while not done:
        groups.append(value & 0x7F)
        value >>= 7
        sign = name == "sleb128" and groups[-1] & 0x40 != 0
        done = value == (-1 if sign else 0)
    if name == "vlq":
        groups.reverse()
    return bytes(group | 0x80 for group in groups[:-1]) + bytes(groups[-1:])


def resized(value: int, kind: Primitive, size: int) -> bytes:
    """Return a variable-length number in so many bytes.

    Raises:
        WriteError: if it needs more.
    """
    made = bytearray(_varint(value, kind.name))
    room = size - len(made)
    if room < 0:
        raise WriteError(f"{value} does not fit {size} bytes of {kind.name}")
    if kind.name == "vlq":
        return b"\x80" * room + made
    if room:
        fill = 0x7F if value < 0 and kind.name == "sleb128" else 0
        made[-1] |= 0x80
        made += bytes([fill | 0x80]) * (room - 1) + bytes([fill])
    return bytes(made)


def _bytes(leaf: Leaf, value: Any, kind: Primitive | None) -> bytes:
    if kind is not None and kind.kind is Kind.STRING:
        if not isinstance(value, str):
            raise WriteError(f"{value!r} is not a string")
        try:
            return value.encode(codec(leaf.field.encoding))
        except UnicodeEncodeError as error:
            raise WriteError(f"{value[error.start]!r} is not in {leaf.field.encoding}") from None
    if isinstance(value, str):
        try:
            value = value.encode("latin-1")
        except UnicodeEncodeError:
            value = value.encode()
    if not isinstance(value, bytes | bytearray | memoryview):
        raise WriteError(f"{value!r} is not bytes")
    return bytes(value)


def content_end(leaf: Leaf, old: bytes, skip: int) -> int:
    """End offset, in the old bytes, of the content: before terminator, padding, and what was not read."""
    value = leaf.value
    if isinstance(value, str):
        try:
            value = value.encode(codec(leaf.field.encoding))
        except UnicodeEncodeError:
            return len(old)
    if not isinstance(value, bytes | memoryview) or leaf.field.process:
        return len(old)
    end = skip + len(value)
    return end if old[skip:end] == bytes(value) else len(old)


def _text(leaf: Leaf, content: bytes, record: Record, old: bytes) -> bytes:
    field, delimiter = leaf.field, leaf.field.delimiter
    terminator = terminator_of(field)
    if field.process:
        content = unprocess(field, content)
    included = delimiter is not None and delimiter.include
    if terminator is not None:
        body = content[: -len(terminator)] if included and content.endswith(terminator) else content
        if find_terminator(body, terminator, 0, len(body)) >= 0:
            raise WriteError(f"it holds the terminator {terminator.hex(' ')}")
    prefix = field.prefix if field.length is Word.PREFIX else None
    if prefix is not None:
        big = is_big(prefix, field, record)
        return number(len(content), prefix, big=big) + content
    if field.length is None or field.length is Word.REST:
        if terminator is None or included or not (delimiter is not None and delimiter.consume):
            return content
        return content + old[content_end(leaf, old, 0) :]
    if not is_fixed(field.length) and delimiter is None:
        return content
    room = len(old) - len(content)
    fill = delimiter.pad if delimiter is not None and delimiter.pad is not None else 0
    can_fill = delimiter is not None and (delimiter.pad is not None or terminator is not None)
    if room < 0 or (room > 0 and not can_fill):
        raise WriteError(f"it has {len(content)} bytes, the field {len(old)}")
    if terminator is not None and not included:
        return content + (terminator + bytes([fill]) * room)[:room]
    return content + bytes([fill]) * room


def is_fixed(length: Expr | Word | None) -> bool:
    """Whether a length is a constant."""
    return isinstance(length, Literal)


_COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "zlib": zlib.compress,
    "gzip": lambda data: _deflate(data, zlib.MAX_WBITS | 16),
    "deflate": lambda data: _deflate(data, -zlib.MAX_WBITS),
    "bz2": bz2.compress,
    "lzma": lzma.compress,
}
_INVERSE = {"xor": "xor", "rol": "ror", "ror": "rol"}


def _deflate(data: bytes, bits: int) -> bytes:
    made = zlib.compressobj(9, zlib.DEFLATED, bits)
    return made.compress(data) + made.flush()


def unprocess(field: Field, data: bytes) -> bytes:
    """Return the bytes from which `process` makes these.

    Raises:
        WriteError: if a process has no inverse, or an argument that is not a constant.
    """
    for process in reversed(field.process):
        if process.name in _COMPRESS:
            data = _COMPRESS[process.name](data)
            continue
        constants = [a.value for a in process.arguments if isinstance(a, Literal)]
        if process.name not in _INVERSE or len(constants) < len(process.arguments):
            raise WriteError(f"{process.name} cannot be undone")
        made = PROCESSORS[_INVERSE[process.name]].apply(data, 1 << 62, *constants)
        data = made if isinstance(made, bytes) else made.data
    return data
