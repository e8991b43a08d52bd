"""Ledger: the one place where results are kept. During a pytest run only the controller opens one for writing."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable, Hashable, Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

from harness.core.closing import Closing
from harness.core.errors import LedgerError
from harness.core.status import RunStatus
from harness.ledger import file, recovery, row_writer
from harness.ledger.journal import Journal
from harness.ledger.row import Record, now
from harness.ledger.version import SCHEMA_VERSION

if TYPE_CHECKING:  # pydantic is imported by what reads or writes an evaluation, not by what reads columns
    from harness.core.evaluation import Evaluation
    from harness.core.run import Run
    from harness.core.tier import Tier

T = TypeVar("T")

BATCH, BATCH_SECONDS = 1000, 1.0  # evaluations and seconds between two transactions


class Ledger(Closing):
    """An open ledger.

    `record` appends to a crash journal at once and to SQLite in batches. Where either refuses (full disk, damaged
    file) everything is kept in memory and tried again; `finish` raises if something still is not stored.

    Attributes:
        notices: Messages for the user: replayed runs, a damaged file set aside, a weaker journal mode.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection, *, read_only: bool = False) -> None:
        self.path = path
        self.notices: list[str] = []
        self.read_only = read_only
        self._connection = connection
        self._inode = file.inode(path)
        self._runs: dict[str, Run] = {}
        self._journals: dict[str, Journal] = {}
        self._endings: dict[str, RunStatus] = {}
        self._pending: list[Record] = []
        self._remembered: dict[Hashable, Any] = {}
        self._remembered_at = (0, 0)
        self._flushed = self._tried = time.monotonic()
        self._trouble: Exception | None = None

    @classmethod
    def open(cls, path: Path, *, create: bool = True, is_checked: bool = False) -> Self:
        """Open a ledger for writing, replaying the journals of killed runs.

        Args:
            path: The SQLite file; its folder is made if needed.
            create: Whether a missing file is made.
            is_checked: Whether the file has been read through already, in search of damage.

        Raises:
            LedgerError: if it is missing, a folder, not a ledger, from a newer version or not writable.
        """
        file.prepare(path, create=create)
        file.require_locks(path)
        try:
            with file.opening(path):
                connection, notices = file.establish(path, is_checked=is_checked)
        except (sqlite3.Error, OSError) as error:
            raise file.unwritable(path, error) from error
        ledger = cls(path, connection)
        ledger.notices = notices + recovery.replay(connection, path) + recovery.future_runs(connection)
        return ledger

    @classmethod
    def read(cls, path: Path) -> Self:
        """Open a ledger for reading: as `open` where it can be written, else read-only with a notice.

        Raises:
            LedgerError: if it is missing, a folder, not a ledger, damaged or from a newer version.
        """
        file.prepare(path, create=False)
        try:
            if path.stat().st_size == 0:
                raise file.missing(path)
            connection = file.connect(path, read_only=True, immutable=not file.has_locks(path.parent))
            try:
                version = file.inspect(connection, path)
            except file.CorruptError as error:
                if not file.is_database(path):
                    raise file.foreign(path) from error
                fix = "restore it from a copy; the next run keeps this one aside and starts a new one"
                raise LedgerError(f"the ledger is damaged: {error}", where=str(path), fix=fix) from error
            except sqlite3.OperationalError:
                # WAL needs a file next to the ledger even for reading; in a folder that cannot be written there is
                # no writer either, so the file may be taken as it is.
                connection.close()
                connection = file.connect(path, read_only=True, immutable=True)
                version = file.inspect(connection, path)
        except (sqlite3.Error, OSError) as error:
            fix = "make the file readable, or name another with --ledger"
            raise LedgerError(f"the ledger cannot be read: {error}", where=str(path), fix=fix) from error
        try:
            ledger = cls.open(path, create=False, is_checked=True)
        except LedgerError as error:
            if version < SCHEMA_VERSION:
                connection.close()
                raise
            ledger = cls(path, connection, read_only=True)
            ledger.notices.append(f"opened read-only: {error.what}")
        else:
            connection.close()
        return ledger

    # Writing

    def begin(self, run: Run) -> None:
        """Register a run before its first evaluation.

        Raises:
            LedgerError: if the ledger cannot be written, or knows this run already.
        """
        self._require_writable()
        if self.rows("SELECT 1 FROM runs WHERE run_id = ?", run.run_id):
            raise LedgerError(f"run {run.run_id} exists already", where=str(self.path), fix="choose another run id")
        try:
            self._journals[run.run_id] = Journal.create(self.path, run)
            with row_writer.immediate(self._connection):
                row_writer.write_run(self._connection, run, RunStatus.RUNNING)
        except (sqlite3.Error, OSError) as error:
            if run.run_id in self._journals:
                self._journals.pop(run.run_id).remove()
            raise file.unwritable(self.path, error) from error
        self._runs[run.run_id] = run

    def record(self, evaluation: Evaluation, *, run_id: str, text: str = "") -> None:
        """Record one evaluation: in the journal now, in SQLite with the next batch. A full disk does not stop it.

        Args:
            run_id: A run that has begun.
            text: Its JSON text (`SerialisedEvaluation`) where a caller has it already.

        Raises:
            LedgerError: if the run has not begun.
        """
        if run_id not in self._runs:
            raise LedgerError(f"run {run_id} has not begun", where=str(self.path), fix="call begin(run) first")
        if not text:
            from harness.core.evaluation import SerialisedEvaluation

            text = SerialisedEvaluation.of(evaluation).text
        record = Record(
            run_id=run_id,
            created_at=now(),
            machine=self._runs[run_id].machine,
            wire=text,
            evaluation=evaluation,
        )
        self._pending.append(record)
        try:
            self._journals[run_id].append(record)
        except OSError as error:
            self._trouble = error
        clock = time.monotonic()
        # After a refusal the batch stays full: then the clock alone decides when to try again.
        due = len(self._pending) >= BATCH and (self._trouble is None or clock - self._tried >= BATCH_SECONDS)
        if due or clock - max(self._flushed, self._tried) >= BATCH_SECONDS:
            with contextlib.suppress(LedgerError):
                self.flush()

    def flush(self) -> None:
        """Write what is pending to SQLite.

        Raises:
            LedgerError: if that fails; nothing is lost, the next flush tries again.
        """
        self._tried = time.monotonic()
        if not self._pending:
            return
        try:
            self._transact(lambda connection: row_writer.write_records(connection, self._pending))
        except (sqlite3.Error, OSError) as error:
            self._trouble = error
            raise file.unwritable(self.path, error) from error
        self._pending.clear()
        self._flushed = time.monotonic()

    def finish(self, run_id: str, status: RunStatus = RunStatus.FINISHED, tier: Tier | None = None) -> None:
        """End a run: store what is pending, keep the leaderboard as a snapshot, drop the journal.

        Raises:
            LedgerError: if something could not be stored; the message says where it is kept meanwhile. Call again once
                the cause is gone.
        """
        if run_id not in self._runs:
            raise LedgerError(f"run {run_id} has not begun", where=str(self.path), fix="call begin(run) first")
        self._endings[run_id] = status
        try:
            self.flush()
            level = tier.value if tier else None
            self._transact(lambda connection: row_writer.end_run(connection, run_id, status, at=now(), tier=level))
        except (sqlite3.Error, OSError, LedgerError) as error:
            raise self._unstored(run_id, error) from error
        self._journals.pop(run_id).remove()
        del self._runs[run_id], self._endings[run_id]
        self._trouble = None

    def close(self) -> None:
        """Close the file. Unfinished runs are marked aborted."""
        for run_id in list(self._runs):
            try:
                self.finish(run_id, self._endings.get(run_id, RunStatus.ABORTED))
            except LedgerError as error:
                self.notices.append(str(error))
        for left in self._journals.values():
            left.close()
        self._connection.close()

    @contextlib.contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A short immediate transaction for verbs that write.

        Raises:
            LedgerError: if the ledger cannot be written.
        """
        self._require_writable()
        self.flush()
        try:
            with row_writer.immediate(self._connection):
                yield self._connection
        except sqlite3.Error as error:
            raise file.unwritable(self.path, error) from error

    @contextlib.contextmanager
    def attached(self, source: Path, *, immutable: bool = False) -> Iterator[None]:
        """Another ledger under the name `other`, for reading."""
        uri = f"{source.absolute().as_uri()}?mode=ro{'&immutable=1' if immutable else ''}"
        self._connection.execute("ATTACH ? AS other", (uri,))
        try:
            yield
        finally:
            self._connection.execute("DETACH other")

    def compact(self) -> None:
        """Return unused space to the disk, as far as other connections allow it now.

        Raises:
            LedgerError: if the disk has no room for the copy that this needs.
        """
        try:
            self._connection.execute("VACUUM")
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error as error:
            raise file.unwritable(self.path, error) from error

    # Reading

    def rows(self, sql: str, *parameters: Any, keep: bool = True) -> list[dict[str, Any]]:
        """The rows of a query, pending evaluations included; `keep` as for `remembered`.

        Raises:
            LedgerError: if the ledger cannot be read.
        """
        key = sql, parameters
        return self.remembered(key, lambda: file.rows(self._connection, *key), keep=keep).copy()

    def remembered(self, key: Hashable, make: Callable[[], T], *, keep: bool = True) -> T:
        """The result of `make` for this key, with `keep` until the ledger changes; no caller may change it."""
        if self._pending:
            with contextlib.suppress(LedgerError):  # what cannot be written yet is reported by `finish`
                self.flush()
        try:
            # Another process's writes change the version.
            version = self._connection.execute("PRAGMA data_version").fetchone()[0], self._connection.total_changes
            if version != self._remembered_at:
                self._remembered.clear()
                self._remembered_at = version
            made: T = self._remembered[key] if key in self._remembered else make()
        except sqlite3.Error as error:
            raise LedgerError(f"the ledger cannot be read: {error}", where=str(self.path)) from error
        if keep:
            self._remembered[key] = made
        return made

    # What may go wrong

    def _transact(self, work: Callable[[sqlite3.Connection], None]) -> None:
        """Work in one transaction; if the file turns out to be broken or gone, once more in a new one."""
        if file.inode(self.path) != self._inode:
            # Deleted or replaced under us: SQLite would go on writing to a file that has no name any more.
            self._start_over()
        try:
            with row_writer.immediate(self._connection):
                work(self._connection)
        except sqlite3.DatabaseError as error:
            if not file.is_damage(error):
                raise
            self._start_over()
            with row_writer.immediate(self._connection):
                work(self._connection)

    def _start_over(self) -> None:
        """Continue in a new file, with everything that the open runs recorded in the old one."""
        self._connection.close()
        with file.opening(self.path):
            self._connection, notices = file.establish(self.path, known=True)
        self._inode = file.inode(self.path)
        self.notices += notices or [
            f"the ledger {self.path} was deleted or replaced during the run: a new one was started"
        ]
        with row_writer.immediate(self._connection):
            for run_id, run in self._runs.items():
                row_writer.write_run(self._connection, run, RunStatus.RUNNING)
                row_writer.write_records(self._connection, self._journals[run_id].records())

    def _unstored(self, run_id: str, error: Exception) -> LedgerError:
        kept = self._journals[run_id]
        with contextlib.suppress(OSError):
            kept.catch_up()
        pending = [record for record in self._pending if record.run_id == run_id]
        what = f"{len(pending)} evaluations of run {run_id} are not in the ledger: {getattr(error, 'what', error)}"
        if not kept.missing:
            fix = f"make room or repair it; {kept.path} holds them and any `crucible` verb will bring them in"
        elif saved := recovery.rescue(self._runs[run_id], chain(kept.records(), pending)):
            fix = f"make room, then `crucible merge {saved} --ledger {self.path}`"
        else:
            fix = "no disk takes them: they are gone when this process ends; make room and run again"
        return LedgerError(what, where=str(self.path), fix=fix)

    def _require_writable(self) -> None:
        if self.read_only:
            raise LedgerError("the ledger is open read-only", where=str(self.path), fix="make it writable")
