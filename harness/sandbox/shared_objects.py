"""Shared objects: which libraries the interpreter and its extension modules need, read from their ELF files."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Iterator, Sequence

_LOAD, _DYNAMIC = 1, 2
_NEEDED, _STRINGS = 1, 5
AT_RUN_TIME = ("libgcc_s.so.1",)
"""Loaded by the C library itself when a thread is cancelled."""


def closure(objects: Iterable[str], folders: Sequence[str]) -> dict[str, str]:
    """The real paths, by name, of all libraries that some ELF files need, directly or not, if they lie in some folders.

    Args:
        objects: Paths of programs and libraries; a file that is not ELF of 64 bits, little-endian, needs none.
        folders: Where libraries are looked for, in order.
    """
    found: dict[str, str] = {}
    waiting = [name for one in objects for name in _needed(one)] + list(AT_RUN_TIME)
    seen = set[str]()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        path = next((path for folder in folders if os.path.isfile(path := os.path.join(folder, name))), None)
        if path is not None:
            found[name] = os.path.realpath(path)
            waiting += _needed(path)
    return found


def _needed(path: str) -> Iterator[str]:
    """The names of the libraries that an ELF file names itself."""
    with open(path, "rb") as file:
        data = file.read(64)
        if data[:6] != b"\x7fELF\x02\x01":
            return
        start, size, count = struct.unpack_from("<32xQ14xHH", data)[0:3]
        file.seek(start)
        table = file.read(size * count)
        headers = [struct.unpack_from("<IIQQQQ", table, size * index) for index in range(count)]
        loads = [(address, address + length, place) for kind, _, place, address, _, length in headers if kind == _LOAD]
        for kind, _, place, _, _, length in headers:
            if kind != _DYNAMIC:
                continue
            file.seek(place)
            entries = list(struct.iter_unpack("<QQ", file.read(length // 16 * 16)))
            strings = next(value for tag, value in entries if tag == _STRINGS)
            base = next(place + strings - low for low, high, place in loads if low <= strings < high)
            for tag, value in entries:
                if tag == _NEEDED:
                    file.seek(base + value)
                    yield file.read(256).partition(b"\0")[0].decode("ascii", "replace")
