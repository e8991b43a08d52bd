"""Tables: rows in, inside one transaction. Everything here may be repeated without changing the outcome."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING

from harness.ledger import row
from harness.ledger.packing import Packer
from harness.ledger.row import Record, Values
from harness.ledger.shapes import Rows, shape_rows
from harness.ledger.standings import rank_boards

if TYPE_CHECKING:
    from harness.core.run import Run
    from harness.core.status import RunStatus

SNAPSHOT_RANKS = 100
AT_ONCE = 1000  # records in memory: those of a killed run may be more than fit


@contextmanager
def immediate(connection: sqlite3.Connection) -> Iterator[None]:
    """A transaction that owns the write lock from its first line, so that it waits early and never deadlocks late."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # A full disk or a rolled-back savepoint may have ended the transaction already.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def write_run(connection: sqlite3.Connection, run: Run, status: RunStatus) -> None:
    """Add a run; an existing one is not changed."""
    values = row.run_values(run) | {"status": status.value, "finished_at": None}
    connection.execute(_insert("runs", tuple(values), conflict="IGNORE"), tuple(values.values()))


def write_records(connection: sqlite3.Connection, records: Iterable[Record]) -> None:
    """Add evaluations with their components, gates and attempts; a repeated one replaces the earlier."""
    packer, shapes, left = Packer(connection), set[bytes](), iter(records)
    while some := list(islice(left, AT_ONCE)):
        _write_some(connection, some, packer, shapes)


def _write_some(connection: sqlite3.Connection, records: list[Record], packer: Packer, shapes: set[bytes]) -> None:
    # Within one batch the last of several with one key must be chosen beforehand.
    latest = list({(r.run_id, r.evaluation.case.nodeid): r for r in records}.values())
    shaped: dict[tuple[Rows, ...], tuple[bytes, str]] = {}
    evaluations = [_evaluation_values(connection, record, packer, shapes, shaped) for record in latest]
    # Most are new. An earlier row takes its comparisons with it (foreign keys cascade). Deleting it first is twice as
    # fast as INSERT OR REPLACE.
    if _insert_many(connection, "evaluations", evaluations, conflict="IGNORE") < len(evaluations):
        keys = [(values["run_id"], values["nodeid"]) for values in evaluations]
        connection.executemany("DELETE FROM evaluations WHERE run_id = ? AND nodeid = ?", keys)
        _insert_many(connection, "evaluations", evaluations)
    for table, values_of in (("comparisons", row.comparison_values), ("lineage", row.lineage_values)):
        conflict = "IGNORE" if table == "lineage" else "ABORT"
        _insert_many(connection, table, [v for record in latest for v in values_of(record)], conflict=conflict)


def _evaluation_values(
    connection: sqlite3.Connection,
    record: Record,
    packer: Packer,
    known: set[bytes],
    shaped: dict[tuple[Rows, ...], tuple[bytes, str]],
) -> Values:
    values, rows = row.packed(record), row.shaped_rows(record.evaluation)
    found = shaped.get(rows)
    if found is None:
        found = shape_rows(connection, known, rows)
        if not rows[-1]:  # no two cases have the same attempts
            shaped[rows] = found
    values["shape"], values["numbers"] = found
    context = values["digest"] + values["numbers"]
    values["record"] = packer.pack(values["record"].encode(), f"{values['lane']} {values['suite']}", context)
    return values


def end_run(connection: sqlite3.Connection, run_id: str, status: RunStatus, *, at: str, tier: str | None) -> None:
    """Mark a run that is still `running` as ended, and keep the leaderboard as it stands now."""
    changed = connection.execute(
        "UPDATE runs SET status = ?, finished_at = ?, tier = coalesce(?, tier) WHERE run_id = ? AND status = 'running'",
        (status.value, at, tier, run_id),
    )
    if changed.rowcount:
        rank_boards(connection)
        write_snapshot(connection, run_id)


def write_snapshot(connection: sqlite3.Connection, run_id: str) -> None:
    """Keep the first ranks of the suites this run touched: a long tail of every run would outgrow the ledger itself."""
    connection.execute(
        """INSERT OR REPLACE INTO snapshots (run_id, lane, suite, rank, subject, digest, score, passed, status,
               stability, median_ms, epoch, evaluated_in, style, worst_rank)
           SELECT ?, lane, suite, rank, subject, digest, score, passed, status,
               stability, median_ms, epoch, run_id, style, worst_rank
           FROM leaderboard
           WHERE position <= ? AND (lane, suite) IN (SELECT DISTINCT lane, suite FROM evaluations WHERE run_id = ?)""",
        (run_id, SNAPSHOT_RANKS, run_id),
    )


def _insert_many(connection: sqlite3.Connection, table: str, rows: Sequence[Values], *, conflict: str = "ABORT") -> int:
    """Insert rows; returns how many were not ignored."""
    if not rows:
        return 0
    # By position: names would be looked up for every value.
    values = [tuple(v.values()) for v in rows]
    return connection.executemany(_insert(table, tuple(rows[0]), conflict=conflict), values).rowcount


@cache
def _insert(table: str, columns: tuple[str, ...], *, conflict: str) -> str:
    names, values = ", ".join(columns), ", ".join("?" * len(columns))
    return f"INSERT OR {conflict} INTO {table} ({names}) VALUES ({values})"  # noqa: S608 - names are ours
