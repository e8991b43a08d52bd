"""Untrusted output: reads files that a kernel's process wrote; pipes, links and huge files are refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from harness.lane.pinned_file import FileFaultError, read_plain_file


def read_untrusted(path: Path, *, max_bytes: int, tail: bool = False) -> bytes | None:
    """The bytes of a plain file; None if it is not one, or is longer than `max_bytes`.

    Args:
        path: The file.
        max_bytes: The most that is read.
        tail: Return the last `max_bytes` of a longer file instead of None.
    """
    try:
        return read_plain_file(path, max_bytes=max_bytes, tail=tail)
    except FileFaultError:
        return None


def read_table(path: Path, *, max_bytes: int) -> dict[str, Any]:
    """A JSON object of a file; empty if there is none."""
    data = read_untrusted(path, max_bytes=max_bytes)
    try:
        value = json.loads(data) if data is not None else None
    except (ValueError, RecursionError):
        value = None
    return value if isinstance(value, dict) else {}
