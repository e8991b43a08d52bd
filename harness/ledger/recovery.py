"""Recovery: restoring the evaluations of killed runs, and keeping what cannot be stored now."""

from __future__ import annotations

import contextlib
import sqlite3
import tempfile
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from harness.core.status import RunStatus
from harness.ledger import journal, row_writer
from harness.ledger.row import Record, stamp

if TYPE_CHECKING:
    from harness.core.run import Run

UNREAD = ".unread"
CLOCK_SLACK = timedelta(minutes=1)  # by which the clocks of two machines may differ


def replay(connection: sqlite3.Connection, ledger: Path) -> list[str]:
    """Move the journals of dead runs into the ledger and mark those runs aborted.

    Returns:
        One sentence for each journal that was found.
    """
    notices = []
    for found in journal.leftovers(ledger):
        if isinstance(found, Path):
            notices.append(f"the journal {found} cannot be read: it is kept as {_keep(found)}")
            continue
        try:
            with row_writer.immediate(connection):
                restore(connection, found.run, found.records(_stored(connection, found.run)))
        except sqlite3.Error as error:
            notices.append(f"run {found.run.run_id} was killed and cannot be brought back yet: {error}")
            continue
        count = f"{found.count} evaluation{'s' * (found.count != 1)}"
        line = f"run {found.run.run_id} was killed: {count} brought back from its journal"
        if found.torn:
            line += ", the one it was writing is lost"
        if found.unreadable:
            line += f", {found.unreadable} unreadable kept as {_keep(found.path)}"
        else:
            found.path.unlink(missing_ok=True)
        notices.append(line)
    with contextlib.suppress(OSError):
        journal.folder_of(ledger).rmdir()
    return notices


def _stored(connection: sqlite3.Connection, run: Run) -> dict[str, str]:
    return dict(connection.execute("SELECT nodeid, created_at FROM evaluations WHERE run_id = ?", (run.run_id,)))


def restore(connection: sqlite3.Connection, run: Run, records: Iterable[Record]) -> None:
    """Store a run whose process died; an evaluation of it that exists already is replaced."""
    row_writer.write_run(connection, run, RunStatus.RUNNING)
    row_writer.write_records(connection, records)
    ended = max(_stored(connection, run).values(), default=stamp(run.started_at))
    row_writer.end_run(connection, run.run_id, RunStatus.ABORTED, at=ended, tier=None)


def future_runs(connection: sqlite3.Connection) -> list[str]:
    """A notice if runs begin later than now: a clock is or was wrong, and the order of runs is by their start."""
    now = stamp(datetime.now(UTC) + CLOCK_SLACK)
    [[count, latest]] = connection.execute(
        "SELECT count(*), max(started_at) FROM runs WHERE started_at > ?", (now,)
    ).fetchall()
    if not count:
        return []
    which = f"{count} run{'s begin' if count > 1 else ' begins'}"
    return [f"{which} later than now, the latest at {latest}: a clock was set; until then it counts as the newest run"]


def rescue(run: Run, records: Iterable[Record]) -> Path | None:
    """Write a run as a journal into the temporary folder, for `crucible merge`; None if that fails too."""
    try:
        folder = Path(tempfile.mkdtemp(prefix="crucible-rescue-"))
        kept = journal.Journal.create(folder / "ledger.db", run)
        for record in records:
            kept.append(record)
        kept.close()
    except OSError:
        return None
    return kept.path


def _keep(path: Path) -> str:
    kept = path.with_name(path.name + UNREAD)
    with contextlib.suppress(OSError):
        path.rename(kept)
    return kept.name
