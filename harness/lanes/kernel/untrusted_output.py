"""Leavings: files that a kernel left. A pipe, a link or a flood in their place must neither hang nor mislead."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from harness.lane.pinned_file import FileFaultError, read_plain_file


def read_leaving(path: Path, *, most: int, tail: bool = False) -> bytes | None:
    """The bytes of a plain file, or None if it is none, or has more than `most` (then the last `most`, if asked)."""
    try:
        return read_plain_file(path, max_bytes=most, tail=tail)
    except FileFaultError:
        return None


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
