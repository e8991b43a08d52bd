"""RunLog: the ordered events of one run, appended by one machine."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from hashlib import blake2b
from itertools import chain
from pathlib import Path
from typing import Any

from harness.dsl.eventlog.canonical import decode
from harness.dsl.eventlog.chain import SIZE, genesis_hash, next_hash
from harness.dsl.eventlog.durability import Durability
from harness.dsl.eventlog.fault import LogError, translate_error
from harness.dsl.eventlog.storage import Storage
from harness.dsl.eventlog.tables import SHIFT
from harness.dsl.plain import plain

COMMIT_GROUP = 64  # pure events per commit; if the process dies, they are computed again with the same hashes
SNAPSHOT_AFTER_EVENTS, SNAPSHOT_AFTER_BYTES = 256, 256 << 10  # a snapshot is due after this many events or bytes
Files = Mapping[str, tuple[str, int] | None]
"""Changed work files by path: (address of the content, mode); None for a file that was removed.

The address is empty for a file that was too large to be kept.
"""
_INSERT = "INSERT INTO events VALUES (?, ?, ?, ?)"
_BLOCK = COMMIT_GROUP
_INSERT_BLOCK = _INSERT + ", (?, ?, ?, ?)" * (_BLOCK - 1)
"""One statement for many rows takes a fifth less time than one for each."""


@plain
class StoredEvent:
    """A row of the event log: canonical JSON and its link in the hash chain."""

    seq: int
    body: bytes
    hash: bytes
    wall: float | None
    """Unix time of the write in seconds, not part of the chain; None for pure events."""

    @property
    def value(self) -> dict[str, Any]:
        """The event decoded from JSON."""
        return dict(decode(self.body))


@plain
class Parent:
    """The event at which a run was forked from another run."""

    run: int
    seq: int
    head: bytes


@plain
class Genesis:
    """What a program's run depends on before any event."""

    engine: str
    program: str
    """Digest of the program."""
    entry: str
    """Name of the unit to run; empty for the program's first."""
    inputs: dict[str, Any]
    seed: int
    upgraded: dict[str, str] | None
    """The `run` whose hash is in the keys of effects, and its `head`, if a changed program continues it."""


_GENESIS: dict[str, tuple[type, ...]] = {
    "engine": (str,), "program": (str,), "entry": (str,), "inputs": (dict,), "seed": (int,),
    "upgraded": (dict, type(None)),
}  # fmt: skip


class RunLog:
    """The events of one run.

    Attributes:
        seq: Sequence number of the last event, -1 before the first.
        head: Hash of all events so far; the genesis hash before the first event.
        group: Pure events per commit.
    """

    def __init__(self, storage: Storage, number: int, name: str, genesis: bytes, parent: Parent | None) -> None:
        self.number, self.name, self.genesis, self.parent = number, name, genesis, parent
        self.seq, self.head = (-1, genesis_hash(decode(genesis))) if parent is None else (parent.seq, parent.head)
        self.blobs = storage.blobs
        self.group = COMMIT_GROUP
        self._connection = storage.connection
        self._path = storage.path
        self._power = storage.durability is Durability.POWER
        self._probe = storage.probe
        self._base = number << SHIFT
        self._pending: list[tuple[int, bytes, bytes, float | None]] = []
        self._files: list[tuple[int, str]] = []
        self._snapshot_seq, self._tail_bytes = self.seq, 0
        self._status: str | None = None

    @property
    def first_hash(self) -> bytes:
        """The hash that the chain starts from."""
        return genesis_hash(decode(self.genesis))

    @property
    def run_hash(self) -> str:
        """Hex of the hash in the keys of effects: the first hash of this run, or of the run that it upgrades."""
        upgraded = self.program_genesis().upgraded
        return self.first_hash.hex() if upgraded is None else upgraded["run"]

    def append(self, body: bytes, *, wall: bool | float | None = None) -> bool:
        """Append one event; it is in the file after the next commit.

        Args:
            body: Canonical JSON.
            wall: Whether to store the time, for effects and questions; or the time, for a copied event.

        Returns:
            Whether enough pure events wait for a commit.
        """
        self.head = head = blake2b(self.head + body, digest_size=SIZE).digest()  # `next_hash`, inlined for speed
        self.seq = seq = self.seq + 1
        pending = self._pending
        pending.append((self._base | seq, body, head, time.time() if wall is True else wall or None))
        self._tail_bytes += len(body)
        return len(pending) >= self.group

    def attach_files(self, files: Files) -> None:
        """Keep the work files that changed with the last event; they are next to the chain, not in it."""
        if files:
            self._files.append((self._base | self.seq, json.dumps(files)))

    def wall_of(self, seq: int) -> float | None:
        """Time at which an event was written, Unix time in seconds; None if it is not known."""
        waiting = seq - self.seq + len(self._pending) - 1
        if 0 <= waiting < len(self._pending):
            return self._pending[waiting][3]
        found = next(self.events(start=seq, stop=seq + 1), None)
        return None if found is None else found.wall

    def files(self, *, stop: int | None = None) -> Iterator[tuple[int, Files]]:
        """The changed work files, with the sequence number of their event, of the events before `stop`."""
        last = self.seq + 1 if stop is None else stop
        for number, low, high in _spans(self._connection, self.number, last):
            rows = self._connection.execute(
                "SELECT id - :base, changed FROM files WHERE id BETWEEN :base + :low AND :base + :last ORDER BY id",
                {"base": number << SHIFT, "low": low, "last": high - 1},
            )
            for seq, changed in rows:
                files = json.loads(changed)
                yield seq, {path: None if kept is None else (kept[0], kept[1]) for path, kept in files.items()}

    @property
    def is_snapshot_due(self) -> bool:
        """Whether a snapshot would shorten the next load."""
        return self.seq - self._snapshot_seq > SNAPSHOT_AFTER_EVENTS or self._tail_bytes > SNAPSHOT_AFTER_BYTES

    def set_status(self, status: str) -> None:
        """Set the status that `crucible dsl runs` shows; the next commit writes it."""
        self._status = status

    def commit(self, *, boundary: bool = False, snapshot: bytes | None = None) -> None:
        """Write all waiting events in one transaction.

        Args:
            boundary: Whether an effect follows or has just ended; at level `power` the commit then waits for the disk.
            snapshot: The state after the last event, to store with it.

        Raises:
            LogError: if the file cannot be written; it is unchanged, and the events still wait.
        """
        pending = self._pending
        if not pending and snapshot is None and self._status is None:
            return
        connection = self._connection
        if self._probe is not None:
            self._probe("before commit")
        try:
            if self._power:
                connection.execute(f"PRAGMA synchronous = {'FULL' if boundary else 'NORMAL'}")
            if len(pending) != 1 or snapshot or self._status or self._files or self.blobs.has_waiting:
                self._transaction(connection, snapshot)
            else:
                connection.execute(_INSERT, pending[0])
        except sqlite3.Error as error:
            if connection.in_transaction:
                connection.rollback()
            raise translate_error(error, self._path) from error
        if snapshot is not None:
            self._snapshot_seq, self._tail_bytes = self.seq, 0
        pending.clear()
        self._files.clear()
        self._status = None
        self.blobs.clear_written()
        if self._probe is not None:
            self._probe("after commit")

    def _transaction(self, connection: sqlite3.Connection, snapshot: bytes | None) -> None:
        connection.execute("BEGIN IMMEDIATE")
        self.blobs.write()
        rows = self._pending
        for start in range(0, len(rows) - _BLOCK + 1, _BLOCK):
            connection.execute(_INSERT_BLOCK, list(chain.from_iterable(rows[start : start + _BLOCK])))
        connection.executemany(_INSERT, rows[len(rows) // _BLOCK * _BLOCK :])
        if self._files:
            connection.executemany("INSERT OR REPLACE INTO files VALUES (?, ?)", self._files)
        if snapshot is not None:
            row = (self.number, self.seq, self.head, next_hash(self.head, snapshot) + snapshot)
            connection.execute("INSERT OR REPLACE INTO snapshots VALUES (?, ?, ?, ?)", row)
        if self._status is not None:
            connection.execute("UPDATE runs SET status = ? WHERE run = ?", (self._status, self.number))
        if self._probe is not None:
            self._probe("inside commit")
        connection.execute("COMMIT")

    def load(self, *, fits: Callable[[bytes], bool] = lambda _: True) -> tuple[bytes | None, list[StoredEvent]]:
        """Return the newest snapshot and the events after it, with the chain checked; `append` continues after them.

        Args:
            fits: Whether a snapshot can be used; without one, all events are returned.

        Raises:
            LogError: if the chain is broken or an event is missing.
        """
        row = self._connection.execute(
            "SELECT seq, CAST(head AS BLOB), CAST(state AS BLOB) FROM snapshots WHERE run = ?", (self.number,)
        ).fetchone()
        state = None if row is None else snapshot_state(row[1], row[2])
        if state is None or not fits(state):  # damaged, or of another version
            row = state = None
        tail = list(self.events() if row is None else self.events(start=row[0] + 1))
        seq, head = (-1, self.first_hash) if row is None else (row[0], row[1])
        for event in tail:
            if event.seq != seq + 1 or next_hash(head, event.body) != event.hash:
                raise chain_error(self._path, self.name, seq + 1)
            seq, head = event.seq, event.hash
        self.seq, self.head = seq, head
        self._snapshot_seq, self._tail_bytes = seq - len(tail), sum(len(event.body) for event in tail)
        return state, tail

    def events(self, *, start: int = 0, stop: int | None = None) -> Iterator[StoredEvent]:
        """Events from `start` to `stop` (exclusive); those of a fork include its parents' events before the fork."""
        own = 0 if self.parent is None else self.parent.seq + 1
        if self.parent is not None and start < own:
            before = self.parent.run
            for number, low, high in _spans(self._connection, before, own):
                yield from _select(self._connection, number, max(low, start), min(high, stop or high))
        yield from _select(self._connection, self.number, max(start, own), stop)

    def genesis_value(self) -> dict[str, Any]:
        """What the run's outcome depends on before any event: of a program (`Genesis`), or of a point of a search."""
        return dict(json.loads(self.genesis))

    def program_genesis(self) -> Genesis:
        """What the run of a program depends on before any event.

        Raises:
            LogError: if a value is missing or has another type, as in a forged bundle or the log of a search.
        """
        value = self.genesis_value()
        for name, kinds in _GENESIS.items():
            if type(value.get(name)) not in kinds:
                raise self._no_genesis(name)
        if (upgraded := value.get("upgraded")) is not None and type(upgraded.get("run")) is not str:
            raise self._no_genesis("upgraded")
        known: dict[str, Any] = {name: value.get(name) for name in _GENESIS}
        return Genesis(**known)

    def _no_genesis(self, name: str) -> LogError:
        what = f"the run {self.name!r} is not a program's: the first {name!r} is missing or has another type"
        return LogError(what, where=str(self._path), fix="restore a copy of the log")


def snapshot_state(head: bytes, stored: bytes) -> bytes | None:
    """The state in a stored snapshot; None if its hash is wrong."""
    state = stored[SIZE:]
    return state if next_hash(head, state) == stored[:SIZE] else None


def chain_error(path: Path | str, name: str, seq: int) -> LogError:
    """The error for a broken chain."""
    what = f"run {name}: the chain is broken at event {seq}: the event was changed, lost or reordered"
    return LogError(what, where=str(path), fix=f"fork from event {seq - 1}, or restore a copy")


def _spans(connection: sqlite3.Connection, run: int, stop: int) -> list[tuple[int, int, int]]:
    """The rows that hold the events 0..stop of a run that may be a fork: (run, low, high), in order."""
    spans: list[tuple[int, int, int]] = []
    number: int | None = run
    while number is not None and stop > 0:
        row = connection.execute("SELECT parent, parent_seq FROM runs WHERE run = ?", (number,)).fetchone()
        low = 0 if row is None or row[0] is None else row[1] + 1
        if low < stop:
            spans.append((number, low, stop))
            stop = low
        number = None if row is None else row[0]
    return spans[::-1]


def _select(connection: sqlite3.Connection, run: int, low: int, high: int | None) -> Iterator[StoredEvent]:
    base = run << SHIFT
    last = base | ((1 << SHIFT) - 1) if high is None else base + high - 1
    cursor = connection.execute(
        "SELECT id - ?, CAST(body AS BLOB), hash, wall FROM events WHERE id BETWEEN ? AND ? ORDER BY id",
        (base, base + low, last),
    )
    for row in cursor:
        yield StoredEvent(*row)
