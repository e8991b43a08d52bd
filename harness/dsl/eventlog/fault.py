"""LogError: the log cannot be read or written, or is not what was written."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from harness.core.errors import InfraError


class LogError(InfraError):
    """A log that is damaged, locked, of a newer version, or cannot be written."""


MIN_SPACE = 64 << 10
"""Bytes below which a disk counts as full: SQLite's index beside a log takes 32 KiB."""
_READABLE = {
    "database or disk is full": ("the disk is full; nothing of the last commit was kept", "free space, then resume"),
    "attempt to write a readonly database": ("the file cannot be written", "make it and its folder writable"),
    "unable to open database file": ("the file cannot be opened", "check the path and the folder's permissions"),
    "database is locked": ("another program holds the database's lock", "close it, then try again"),
    "file is not a database": ("this is no event log", "name the log that `crucible dsl run` printed"),
    "database disk image is malformed": ("the file is damaged", "restore a copy, or fork a run from before the damage"),
    "disk i/o error": ("the disk refuses", "look at the system's log; the run resumes from its last commit"),
}


def _full(path: Path | str) -> bool:
    try:
        found = os.statvfs(Path(path).parent)
    except OSError:
        return False
    return found.f_bavail * found.f_frsize < MIN_SPACE


def translate_error(error: sqlite3.Error, path: Path | str) -> LogError:
    """What SQLite says, in words that help."""
    text = str(error).lower()
    if "disk i/o error" in text and _full(path):
        text = "database or disk is full"  # SQLite says so only of some of its files
    for known, (what, fix) in _READABLE.items():
        if known in text:
            return LogError(what, where=str(path), fix=fix)
    return LogError(f"SQLite: {error}", where=str(path), fix="look at the file with `crucible dsl verify`")
