"""Journal: one JSON line per evaluation, written at once, so that a killed run loses no evaluation.

A journal belongs to one process. It holds an exclusive lock on the file while it runs, and the first line
identifies it; other processes replay a journal only if the lock is free and that process is gone.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Self

from harness.core.slug import slug
from harness.ledger.row import Record, dump

if TYPE_CHECKING:
    from harness.core.run import Run
    from harness.ledger.process import Process

FORMAT = 1
SUFFIX = ".jsonl"
FRESH_SECONDS = 60.0
UNREADABLE = (ValueError, KeyError, TypeError, RecursionError)
"""What reading a line that is not ours raises; pydantic's ValidationError is a ValueError."""


def folder_of(ledger: Path) -> Path:
    """The folder of a ledger's journals."""
    return ledger.with_name(f"{ledger.name}.journal")


class Journal:
    """The journal of a run that is being written.

    Attributes:
        missing: Lines that the disk refused so far, oldest first; each `append` tries them again.
    """

    def __init__(self, path: Path, descriptor: int, run: Run) -> None:
        self.path = path
        self.run = run
        self.missing: list[str] = []
        self._descriptor = descriptor
        self._size = 0

    @classmethod
    def create(cls, ledger: Path, run: Run) -> Self:
        """Start the journal of a run.

        Raises:
            OSError: if the file cannot be made, or another process has a journal for this run id.
        """
        path = folder_of(ledger) / f"{slug(run.run_id)}{SUFFIX}"
        journal = cls(path, _create(path), run)
        try:
            # Waits only for a reader that came between these two lines; it lets a fresh file go at once.
            fcntl.flock(journal._descriptor, fcntl.LOCK_EX)
            from harness.ledger.process import Process

            journal._write(dump({"journal": FORMAT, "run": run.to_wire(), "process": Process.current().to_wire()}))
        except BaseException:
            journal.close()
            path.unlink(missing_ok=True)
            raise
        return journal

    def append(self, record: Record) -> None:
        """Append one evaluation; if the disk is full, it is kept in memory and written with the next one.

        Raises:
            OSError: if the disk refuses it.
        """
        # Spliced by hand: the evaluation is JSON text already, and encoding it again would double the cost of a line.
        self.missing.append(f'{{"at":"{record.created_at}","evaluation":{record.wire}}}')
        self.catch_up()

    def records(self) -> Iterator[Record]:
        """All evaluations appended so far, also if the file was deleted meanwhile."""
        with os.fdopen(os.dup(self._descriptor), "rb") as file:
            file.seek(0)
            yield from Leftover(path=self.path, run=self.run).records(file=file)

    def catch_up(self) -> None:
        """Write the evaluations that are not on disk yet.

        Raises:
            OSError: if the disk refuses it.
        """
        while self.missing:
            self._write(self.missing[0])
            self.missing.pop(0)

    def remove(self) -> None:
        """The run is in the ledger: forget the journal."""
        self.path.unlink(missing_ok=True)
        self.close()
        with contextlib.suppress(OSError):
            self.path.parent.rmdir()

    def close(self) -> None:
        """Close the file and its lock; the next process that opens the ledger replays it."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _write(self, line: str) -> None:
        data = line.encode() + b"\n"
        try:
            done = 0
            while done < len(data):
                done += os.write(self._descriptor, data[done:])
        except OSError:
            # Half a line would swallow the next one; shortening a file works on a full disk too.
            with contextlib.suppress(OSError):
                os.ftruncate(self._descriptor, self._size)
            raise
        self._size += len(data)


def _create(path: Path) -> int:
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    for _ in range(100):
        path.parent.mkdir(parents=True, exist_ok=True)
        # Another run that just ended may remove the empty folder between these two lines.
        with contextlib.suppress(FileNotFoundError):
            return os.open(path, flags, 0o644)
    raise FileNotFoundError(path)


@dataclass(slots=True)
class Leftover:
    """The journal of a run whose process is gone, locked by this process until it is replayed.

    Attributes:
        count: Evaluations, as far as `records` has read.
        torn: Whether the last line is incomplete: the process died while writing it.
        unreadable: Whole lines this version cannot read.
    """

    path: Path
    run: Run
    count: int = 0
    torn: bool = False
    unreadable: int = 0

    def records(self, stored: dict[str, str] | None = None, *, file: BinaryIO | None = None) -> Iterator[Record]:
        """The evaluations, one at a time: a journal may be larger than the memory.

        Args:
            stored: When the evaluation of a node id that the ledger has was recorded; that one is counted and left out.
            file: The open journal, where its name may be gone.
        """
        self.count, self.torn, self.unreadable = 0, False, 0
        known = dict(stored or {})
        with file or self.path.open("rb") as lines:
            lines.readline()
            for line in lines:
                try:
                    entry = json.loads(line)
                    case, at = entry["evaluation"]["case"], entry["at"]
                    nodeid = f"{case['suite']}::{case['name']}"
                    # Pydantic takes most of the time: the ledger has nearly all of what a killed run judged.
                    record = None if known.get(nodeid) == at else _record(entry, self.run)
                except UNREADABLE:
                    self.torn = not line.endswith(b"\n")
                    self.unreadable += not self.torn
                    continue
                self.count += 1
                if record is not None:
                    known.pop(nodeid, None)  # replaced: what is repeated after it counts again
                    yield record


def leftovers(ledger: Path) -> Iterator[Leftover | Path]:
    """Journals of dead processes, each locked while it is yielded; a bare path where the first line is unreadable."""
    for path in sorted(folder_of(ledger).glob(f"*{SUFFIX}")):
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            continue  # another process replayed it, or this user may not open it
        try:
            if _orphan(path, descriptor):
                yield read(path) or path
        finally:
            os.close(descriptor)


def _orphan(path: Path, descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if path.stat().st_ino != os.fstat(descriptor).st_ino:
            return False
    except OSError:
        return False
    process = _header(path)[1]
    if process is None:
        # Its writer may be between creating the file and its first line.
        return time.time() - os.fstat(descriptor).st_mtime > FRESH_SECONDS
    # The lock alone would do on a local disk. Some network and container file systems do not carry locks, so a
    # process of this machine is asked for directly as well.
    return not (process.near and process.alive)


def _header(path: Path) -> tuple[Run | None, Process | None]:
    from harness.core.run import Run
    from harness.ledger.process import Process

    try:
        with path.open("rb") as file:
            head = json.loads(file.readline())
        run, process = Run.from_wire(head["run"]), Process.from_wire(head["process"])
        run.run_id.encode()  # raises for lone surrogates, which no key of SQLite can hold
        return run, process
    except (OSError, *UNREADABLE):
        return None, None


def read(path: Path) -> Leftover | None:
    """A journal to be read, forgiving a torn last line; None if its first line is not that of a journal."""
    run, _ = _header(path)
    return None if run is None else Leftover(path=path, run=run)


def _record(entry: dict[str, Any], run: Run) -> Record:
    from harness.core.evaluation import Evaluation

    created_at = str(entry["at"])
    created_at.encode()  # raises for lone surrogates
    return Record(
        run_id=run.run_id,
        created_at=created_at,
        machine=run.machine,
        wire=dump(entry["evaluation"]),
        evaluation=Evaluation.from_wire(entry["evaluation"]),
    )
