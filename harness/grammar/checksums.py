"""Checksums: the algorithms that `checksum` may name."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from functools import cache


def _xor(data: bytes) -> int:
    # Folding halves the data with one big-integer operation per step, instead of one step per byte.
    while len(data) > 1:
        half = (len(data) + 1) // 2
        folded = int.from_bytes(data[:half], "big") ^ int.from_bytes(data[half:].rjust(half, b"\0"), "big")
        data = folded.to_bytes(half, "big")
    return data[0] if data else 0


def _fletcher16(data: bytes) -> int:
    low = high = 0
    for at in range(0, len(data), 4096):
        for byte in data[at : at + 4096]:
            low += byte
            high += low
        low, high = low % 255, high % 255
    return high << 8 | low


@cache
def _table(polynomial: int) -> tuple[int, ...]:
    table = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = value >> 1 ^ (polynomial if value & 1 else 0)
        table.append(value)
    return tuple(table)


def _reflected(data: bytes, polynomial: int, start: int) -> int:
    table, value = _table(polynomial), start
    for byte in data:
        value = value >> 8 ^ table[(value ^ byte) & 0xFF]
    return value


ALGORITHMS: dict[str, Callable[[bytes], int]] = {
    "crc32": zlib.crc32,
    "crc32c": lambda data: _reflected(data, 0x82F63B78, 0xFFFFFFFF) ^ 0xFFFFFFFF,
    "crc16": lambda data: _reflected(data, 0xA001, 0),
    "adler32": zlib.adler32,
    "sum8": lambda data: sum(data) & 0xFF,
    "sum16": lambda data: sum(data) & 0xFFFF,
    "sum32": lambda data: sum(data) & 0xFFFFFFFF,
    "xor8": _xor,
    "fletcher16": _fletcher16,
}
"""Algorithm name to function from bytes to an unsigned integer. crc16 is CRC-16/ARC, crc32c is Castagnoli's."""
