"""LogFile: one SQLite file with the runs of a program: the first run, its forks and its upgrades."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.core.closing import Closing
from harness.dsl.eventlog import tables
from harness.dsl.eventlog.blobs import Blobs
from harness.dsl.eventlog.canonical import decode, encode
from harness.dsl.eventlog.chain import genesis_hash
from harness.dsl.eventlog.durability import Durability
from harness.dsl.eventlog.fault import LogError, translate_error
from harness.dsl.eventlog.lock import WriterLock
from harness.dsl.eventlog.runlog import Parent, RunLog, StoredEvent
from harness.dsl.eventlog.storage import Probe, Storage
from harness.dsl.plain import plain


@plain
class RunRow:
    """One row of the file's list of runs."""

    number: int
    name: str
    status: str
    created: float
    settings: dict[str, Any]
    """Back end, model, live mode, durability: what a resumed run needs and the chain does not contain."""
    parent: Parent | None
    events: int
    head: str


class LogFile(Closing):
    """An open log file; a context manager.

    Attributes:
        connection: To its database; internal to `harness.dsl`.
    """

    def __init__(
        self,
        path: Path,
        *,
        durability: Durability = Durability.PROCESS,
        read_only: bool = False,
        probe: Probe | None = None,
    ) -> None:
        self.path, self.durability = path, durability
        self._lock: WriterLock | None = None
        if not read_only and durability is not Durability.MEMORY:
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                fix = "choose another folder"
                raise LogError(f"its folder cannot be created: {error.strerror}", where=str(path), fix=fix) from error
            self._lock = WriterLock(path)
        try:
            self.connection = tables.connect(path, durability, read_only=read_only)
        except BaseException:
            self._release()
            raise
        self.blobs = Blobs(self.connection)
        self._storage = Storage(path, self.connection, self.blobs, durability, probe)

    def create(
        self, name: str, genesis: Mapping[str, Any], *, settings: Mapping[str, Any], parent: Parent | None = None
    ) -> RunLog:
        """Create a run.

        Args:
            genesis: What its outcome depends on, other than events: engine, program, entry, inputs, seed.
            settings: What a resumed run also needs; not in the chain.
            parent: The run and event that it forks from.
        """
        body = encode(genesis)
        with self._transaction():
            number = self.connection.execute(
                "INSERT INTO runs (name, genesis, settings, parent, parent_seq, parent_head, status, created)"
                " VALUES (?, ?, ?, ?, ?, ?, 'running', ?)",
                (
                    name,
                    body,
                    json.dumps(dict(settings), sort_keys=True),
                    *((parent.run, parent.seq, parent.head) if parent else (None, None, None)),
                    time.time(),
                ),
            ).lastrowid
        if number is None:
            raise LogError("SQLite returned no number for the run", where=str(self.path))
        return RunLog(self._storage, number, name, body, parent)

    def open_run(self, which: int | str | None = None) -> RunLog:
        """Open a run to read or continue: by number, by name, or the newest main run.

        Raises:
            LogError: if there is no such run.
        """
        rows = self._rows(
            "SELECT run, name, genesis, parent, parent_seq, parent_head FROM runs"
            " WHERE :which IS NULL OR run = :which OR name = :which ORDER BY run DESC",
            {"which": which},
        )
        if which is None:
            rows = [row for row in rows if "/" not in row[1]] or rows
        if not rows:
            names = [row[0] for row in self._rows("SELECT name FROM runs ORDER BY run", ())]
            what = f"no run {which!r}" if which is not None else "the file holds no run"
            where = str(self.path)
            raise LogError(what, where=where, fix=f"runs: {', '.join(names[:20])}" if names else "run a program first")
        number, name, genesis, run, seq, head = rows[0]
        parent = None if run is None else Parent(run, seq, head)
        return RunLog(self._storage, number, name, genesis, parent)

    def find(self, name: str) -> RunLog | None:
        """The run of a name; None if there is none."""
        found = self._rows("SELECT 1 FROM runs WHERE name = ?", (name,))
        return self.open_run(name) if found else None

    def runs(self) -> list[RunRow]:
        """The rows of all runs in the file, oldest first."""
        found = []
        for row in self._rows(
            "SELECT run, name, status, created, settings, parent, parent_seq, parent_head, genesis"
            " FROM runs ORDER BY run",
            (),
        ):
            last = self._rows(
                "SELECT id, hash FROM events WHERE id BETWEEN ? AND ? ORDER BY id DESC LIMIT 1",
                (row[0] << tables.SHIFT, (row[0] + 1 << tables.SHIFT) - 1),
            )
            parent = None if row[5] is None else Parent(row[5], row[6], row[7])
            count = (last[0][0] & (1 << tables.SHIFT) - 1) + 1 if last else parent.seq + 1 if parent else 0
            head = last[0][1] if last else parent.head if parent else genesis_hash(decode(row[8]))
            found.append(RunRow(row[0], row[1], row[2], row[3], json.loads(row[4]), parent, count, head.hex()))
        return found

    def settings(self, run: RunLog) -> dict[str, Any]:
        """The stored settings of a run; see `RunSettings.from_wire`."""
        return dict(json.loads(self._rows("SELECT settings FROM runs WHERE run = ?", (run.number,))[0][0]))

    def event(self, run: RunLog, seq: int) -> StoredEvent:
        """The event with a sequence number.

        Raises:
            LogError: if the run has no such event.
        """
        found = next(run.events(start=seq, stop=seq + 1), None)
        if seq < 0 or found is None:
            where = str(self.path)
            raise LogError(f"run {run.name} has no event {seq}", where=where, fix="`crucible dsl trace` lists them")
        return found

    def _rows(self, query: str, values: tuple[Any, ...] | dict[str, Any]) -> list[tuple[Any, ...]]:
        try:
            return list(self.connection.execute(query, values))
        except sqlite3.Error as error:
            raise translate_error(error, self.path) from error

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        try:
            self.connection.execute("BEGIN IMMEDIATE")
            yield
            self.connection.execute("COMMIT")
        except sqlite3.Error as error:
            if self.connection.in_transaction:
                self.connection.rollback()
            raise translate_error(error, self.path) from error

    def close(self) -> None:
        """Empty the write-ahead log and close the file. Safe to repeat."""
        with contextlib.suppress(sqlite3.Error):
            if self._lock is not None:
                self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self.connection.close()
        self._release()

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.release()
            self._lock = None
