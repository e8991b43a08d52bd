"""SourceKeeper: stores the sources of judged subjects in the ledger, in batches, when they are first judged."""

from __future__ import annotations

import time
from pathlib import Path

from harness.core.case import Subject
from harness.core.digest import digest_bytes
from harness.core.errors import LedgerError
from harness.lane.pinned_file import FileFaultError, read_plain_file
from harness.ledger import sources
from harness.ledger.store import Ledger

BATCH, BATCH_SECONDS = 200, 1.0  # subjects and seconds between two transactions
MAX_READ = 1 << 20  # bytes of a file that are read to find its digest


class SourceKeeper:
    """Keeps the sources of one run's subjects.

    A subject's file is kept under its digest: the subject's own, or, for a part of a file, the parent's. A file that
    has changed since it was judged has neither, and is not kept.

    Args:
        ledger: Open for writing.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._seen: set[str] = set()
        self._pending: dict[str, Subject] = {}
        self._flushed = time.monotonic()

    def add(self, subject: Subject) -> None:
        """Keep the source of a subject with one of the next batches."""
        if not subject.path or subject.digest in self._seen:
            return
        self._seen.add(subject.digest)
        self._pending[subject.digest] = subject
        if len(self._pending) >= BATCH or time.monotonic() - self._flushed >= BATCH_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Write what is pending; where the ledger refuses, it is tried again with the next batch."""
        self._flushed = time.monotonic()
        if not self._pending:
            return
        try:
            with self._ledger.writing() as connection:
                for digest in sources.unkept(connection, set(self._pending)):
                    subject = self._pending[digest]
                    if (data := _read(subject)) is not None:
                        sources.keep(connection, digest_bytes(data), data, kind=Path(subject.path).parent.name)
        except LedgerError:  # the ledger itself reports what it cannot store
            return
        self._pending.clear()


def _read(subject: Subject) -> bytes | None:
    """The bytes of a subject's file, if they are still what was judged."""
    try:
        data = read_plain_file(Path(subject.path), max_bytes=MAX_READ)
    except (FileFaultError, ValueError):
        return None
    return data if digest_bytes(data) in (subject.digest, *subject.parents) else None
