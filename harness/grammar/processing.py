"""Processing: transformations of bytes before they are parsed; output is bounded, so no archive can exhaust memory."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


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
    """

    apply: Apply
    arguments: int | None = 0


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


def _rotate_right(data: bytes, most: int, by: Any) -> bytes:
    return _rotate_left(data, most, -by if isinstance(by, int) else by)


def _inflate(bits: int) -> Apply:
    def apply(data: bytes, most: int) -> Inflated:
        machine = zlib.decompressobj(bits)
        try:
            made = machine.decompress(data, most + 1)
        except zlib.error as error:
            raise ProcessError(f"cannot be decompressed: {error}") from None
        if len(made) > most:
            raise ProcessError(f"decompresses to more than {most} bytes", limit=True, partial=made[:most])
        if not machine.eof:
            raise ProcessError("the compressed data is truncated", partial=made)
        return Inflated(made, len(data) - len(machine.unused_data))

    return apply


PROCESSORS: dict[str, Processor] = {
    "zlib": Processor(_inflate(zlib.MAX_WBITS)),
    "deflate": Processor(_inflate(-zlib.MAX_WBITS)),
    "gzip": Processor(_inflate(zlib.MAX_WBITS | 16)),
    "xor": Processor(_xor, 1),
    "rol": Processor(_rotate_left, 1),
    "ror": Processor(_rotate_right, 1),
}
"""Processor by name, as `process` may name it; `lint_value(..., processes=...)` adds others."""
