"""Verify: checks the hashes of a log: chains, snapshots, blobs and forks; no instruction is executed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b

from harness.dsl.eventlog import tables
from harness.dsl.eventlog.chain import SIZE
from harness.dsl.eventlog.fault import translate_error
from harness.dsl.eventlog.logfile import LogFile
from harness.dsl.eventlog.runlog import RunLog, snapshot_state


@dataclass(frozen=True, slots=True)
class Problem:
    """A difference between the log and its hashes.

    Attributes:
        run: Name of the run, empty for the file.
        seq: Sequence number of the event, -1 for a problem that is not about an event.
    """

    run: str
    seq: int
    what: str

    def __str__(self) -> str:
        place = f"{self.run}, event {self.seq}" if self.seq >= 0 else self.run or "file"
        return f"{place}: {self.what}"


@dataclass(frozen=True, slots=True)
class Verified:
    """The result of a check.

    Attributes:
        runs: Name and head of each run, in order.
        problems: Empty if all hashes are correct.
    """

    runs: tuple[tuple[str, str], ...]
    events: int
    problems: tuple[Problem, ...]


def verify(file: LogFile) -> Verified:
    """Check a whole file.

    A chain cannot detect a file that was rewritten as a whole: compare a head with one kept elsewhere.

    Raises:
        LogError: if the file cannot be read.
    """
    problems: list[Problem] = []
    runs: list[tuple[str, str]] = []
    events = 0
    try:
        for row in file.runs():
            log = file.open_run(row.number)
            count, head, broken = _chain(file, log)
            events += count
            runs.append((row.name, head.hex()))
            problems += broken or list(_snapshot(file, log))
        problems += _blobs(file)
    except sqlite3.Error as error:
        raise translate_error(error, file.path) from error
    return Verified(tuple(runs), events, tuple(problems))


def _chain(file: LogFile, log: RunLog) -> tuple[int, bytes, list[Problem]]:
    """Check the events of a run without its parents': their number, the head, and the first problem."""
    parent = log.parent
    head, expected = log.first_hash, 0
    if parent is not None:
        stored = file.connection.execute(
            "SELECT hash FROM events WHERE id = ?", (_row(file, parent.run, parent.seq),)
        ).fetchone()
        if stored is None or stored[0] != parent.head:
            return 0, parent.head, [Problem(log.name, parent.seq, "the event that it forks from was changed")]
        head, expected = parent.head, parent.seq + 1
    base = log.number << tables.SHIFT
    cursor = file.connection.execute(
        "SELECT id, CAST(body AS BLOB), hash FROM events WHERE id BETWEEN ? AND ? ORDER BY id",
        (base, base | ((1 << tables.SHIFT) - 1)),
    )
    first, position = expected, base + expected
    for row, body, stored_hash in cursor:  # inlined for speed
        head = blake2b(head + body, digest_size=SIZE).digest()
        if head != stored_hash or row != position:
            seq = position - base
            what = "the event is missing" if row != position else "the event, or one before it, was changed"
            return seq - first, head, [Problem(log.name, seq, what)]
        position += 1
    return position - base - first, head, []


def _row(file: LogFile, run: int, seq: int) -> int:
    """Row id of an event of a run, which may be a fork of a fork."""
    while True:
        row = file.connection.execute("SELECT parent, parent_seq FROM runs WHERE run = ?", (run,)).fetchone()
        if row is None or row[0] is None or seq > row[1]:
            return (run << tables.SHIFT) | seq
        run = row[0]


def _snapshot(file: LogFile, log: RunLog) -> Iterator[Problem]:
    row = file.connection.execute(
        "SELECT seq, CAST(head AS BLOB), CAST(state AS BLOB) FROM snapshots WHERE run = ?", (log.number,)
    ).fetchone()
    if row is None:
        return
    event = file.connection.execute(
        "SELECT hash FROM events WHERE id = ?", (_row(file, log.number, row[0]),)
    ).fetchone()
    if event is None or event[0] != row[1]:
        yield Problem(log.name, row[0], "the snapshot does not match the event")
    elif snapshot_state(row[1], row[2]) is None:
        yield Problem(log.name, row[0], "the snapshot was changed; a resume reads the events instead")


def _blobs(file: LogFile) -> Iterator[Problem]:
    for name in file.blobs.all():
        try:
            file.blobs.get(bytes.fromhex(name))
        except (KeyError, ValueError) as error:
            yield Problem("", -1, str(error))
