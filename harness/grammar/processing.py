"""Processing: transformations of bytes before they are parsed; output is bounded, so no archive can exhaust memory."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

_PIECE = 1 << 16
MAX_DICTIONARY = 1 << 27  # bytes of memory that an lzma stream may ask for


class ProcessError(Exception):
    """Bytes cannot be processed; the message says why.

    Attributes:
        limit: True if the output would exceed the allowed size.
        partial: The output before the failure.
    """

    def __init__(self, message: str, *, limit: bool = False, partial: bytes = b"") -> None:
        self.limit, self.partial = limit, partial
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Inflated:
    """The output of a compressed stream, and the number of bytes up to the end of the stream."""

    data: bytes
    used: int


Apply = Callable[..., bytes | Inflated]


@dataclass(frozen=True, slots=True)
class Processor:
    """A transformation of bytes.

    Attributes:
        apply: `(data, most, *arguments) -> bytes | Inflated`; `most` is the maximum size of the output. Raises
            ProcessError.
        arguments: Number of arguments; None for any number.
        ends: Whether the bytes themselves say where they end: `apply` gets all bytes that are left, as a memoryview or
            bytes, and returns `Inflated`. The first process of a field without a length is such a one.
    """

    apply: Apply
    arguments: int | None = 0
    ends: bool = False


def _xor(data: bytes, most: int, key: Any) -> bytes:
    if isinstance(key, int) and 0 <= key <= 255:
        return data.translate(bytes(byte ^ key for byte in range(256)))
    if isinstance(key, int) and key > 255:
        key = key.to_bytes((key.bit_length() + 7) // 8, "big")
    if isinstance(key, list | tuple):
        key = _bytes(key)
    if not isinstance(key, bytes) or not key:
        raise ProcessError("xor needs a key: a byte, or bytes")
    whole = key * (len(data) // len(key) + 1)
    number = int.from_bytes(data, "big") ^ int.from_bytes(whole[: len(data)], "big")
    return number.to_bytes(len(data), "big")


def _bytes(key: Any) -> bytes:
    try:
        return bytes(key)
    except (TypeError, ValueError):
        raise ProcessError("xor needs a key: a byte, or bytes") from None


def _rotate_left(data: bytes, most: int, by: Any) -> bytes:
    if not isinstance(by, int):
        raise ProcessError("a rotation needs an integer number of bits")
    by %= 8
    return data.translate(bytes((byte << by | byte >> (8 - by)) & 0xFF for byte in range(256)))


def _zlib(bits: int) -> tuple[Any, type[Exception]]:
    return zlib.decompressobj(bits), zlib.error


def _lzma() -> tuple[Any, type[Exception]]:
    import lzma

    return lzma.LZMADecompressor(memlimit=MAX_DICTIONARY), lzma.LZMAError


def _bz2() -> tuple[Any, type[Exception]]:
    import bz2

    return bz2.BZ2Decompressor(), OSError


def _inflate(begin: Callable[[], tuple[Any, type[Exception]]]) -> Processor:
    """A processor that ends where the compressed stream ends; the stream is read in pieces."""

    def apply(data: bytes | memoryview, most: int) -> Inflated:
        machine, fault = begin()
        view, at, size = memoryview(data), 0, 0
        made: list[bytes] = []
        while not machine.eof and at < len(view):
            piece = view[at : at + _PIECE]
            try:
                made.append(machine.decompress(piece, most + 1 - size))
            except fault as error:
                raise ProcessError(f"cannot be decompressed: {error}", partial=b"".join(made)) from None
            at, size = at + len(piece), size + len(made[-1])
            if size > most:
                partial = b"".join(made)[:most]
                raise ProcessError(f"decompresses to more than {most} bytes", limit=True, partial=partial)
        if not machine.eof:
            raise ProcessError("the compressed data is truncated", partial=b"".join(made))
        return Inflated(b"".join(made), at - len(machine.unused_data))

    return Processor(apply, ends=True)


PROCESSORS: dict[str, Processor] = {
    "zlib": _inflate(lambda: _zlib(zlib.MAX_WBITS)),
    "deflate": _inflate(lambda: _zlib(-zlib.MAX_WBITS)),
    "gzip": _inflate(lambda: _zlib(zlib.MAX_WBITS | 16)),
    "lzma": _inflate(_lzma),
    "bz2": _inflate(_bz2),
    "xor": Processor(_xor, 1),
    "rol": Processor(_rotate_left, 1),
    "ror": Processor(lambda data, most, by: _rotate_left(data, most, -by if isinstance(by, int) else by), 1),
}
"""Processor by name, as `process` may name it; `lint_value(..., processes=...)` adds others."""
