"""LogError: the log is damaged, or cannot be read or written."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from harness.core.errors import InfraError


class LogError(InfraError):
    """A log is damaged, locked, of a newer version, or cannot be written."""


MIN_SPACE = 64 << 10  # a disk with less free space counts as full; SQLite's index of the write-ahead log takes 32 KiB
_READABLE = {
    "database or disk is full": ("the disk is full; the last commit was not stored", "free space, then resume"),
    "attempt to write a readonly database": ("the file cannot be written", "make it and its folder writable"),
    "unable to open database file": ("the file cannot be opened", "check the path and the folder's permissions"),
    "database is locked": ("another program holds the database's lock", "close it, then try again"),
    "file is not a database": ("this is not an event log", "name the log that `crucible dsl run` printed"),
    "database disk image is malformed": ("the file is damaged", "restore a copy, or fork a run from before the damage"),
    "disk i/o error": ("the disk reports an error", "read the system's log; the run resumes from its last commit"),
}


def _is_full(path: Path | str) -> bool:
    try:
        found = os.statvfs(Path(path).parent)
    except OSError:
        return False
    return found.f_bavail * found.f_frsize < MIN_SPACE


def translate_error(error: sqlite3.Error, path: Path | str) -> LogError:
    """Translate an SQLite error into one that says how to fix it."""
    text = str(error).lower()
    if "disk i/o error" in text and _is_full(path):
        text = "database or disk is full"  # SQLite reports a full disk as an I/O error for some of its files
    for known, (what, fix) in _READABLE.items():
        if known in text:
            return LogError(what, where=str(path), fix=fix)
    return LogError(f"SQLite: {error}", where=str(path), fix="check the file with `crucible dsl verify`")
