"""Leavings: files that a kernel left. A pipe, a link or a flood in their place must neither hang nor mislead."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any


def read_leaving(path: Path, *, most: int, tail: bool = False) -> bytes | None:
    """The bytes of a plain file, or None if it is none, or has more than `most` (then the last `most`, if asked)."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or (found.st_size > most and not tail):
            return None
        file.seek(max(0, found.st_size - most))
        return file.read(most)


def read_table(path: Path, *, most: int) -> dict[str, Any]:
    """A JSON table; empty if there is none."""
    data = read_leaving(path, most=most)
    try:
        value = json.loads(data) if data is not None else None
    except (ValueError, RecursionError):
        value = None
    return value if isinstance(value, dict) else {}


def last_line(path: Path, *, most: int = 4000) -> str:
    """The last line of a log; empty if there is none."""
    data = read_leaving(path, most=most, tail=True) or b""
    lines = data.decode("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else ""
