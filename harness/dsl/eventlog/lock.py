"""WriterLock: one writer per log file; the kernel releases the lock when the process ends."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from harness.dsl.eventlog.fault import LogError


class WriterLock:
    """An exclusive lock, held from opening to closing.

    It locks a separate file: closing any descriptor of the log itself would release SQLite's own locks.

    Raises:
        LogError: if another process holds the lock; the message names it.
    """

    def __init__(self, log: Path) -> None:
        path = log.with_name(log.name + ".lock")
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            fix = "choose another folder"
            raise LogError(f"its folder cannot be written: {error.strerror}", where=str(log), fix=fix) from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(self._descriptor, 32, 0).decode("ascii", "replace").strip()
            os.close(self._descriptor)
            what = f"another process{f' ({holder})' if holder else ''} is running this log"
            raise LogError(what, where=str(log), fix="wait for that process or end it, then resume") from error
        # A fixed length, so that no truncation has to be flushed at every start.
        os.pwrite(self._descriptor, f"pid {os.getpid()}".ljust(31).encode() + b"\n", 0)

    def release(self) -> None:
        """Release the lock. Safe to repeat."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
