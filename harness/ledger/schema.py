"""Schema: the tables of a ledger and how an older one becomes a newer one."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from harness.ledger import shapes, standings, tables
from harness.ledger.packed_rows import PACKED, UNPACKED_BEFORE, pack_rows
from harness.ledger.ranking import LEADERBOARD, LEFT_OUT
from harness.ledger.version import APPLICATION_ID

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlite_utils import Database


def _first(connection: sqlite3.Connection) -> None:
    """All tables of version 1."""
    _execute(connection, tables.TABLES)


def _stability(connection: sqlite3.Connection) -> None:
    """The bound that attempts prove, and where a verdict was taken from."""
    connection.execute("DROP VIEW IF EXISTS leaderboard")
    _execute(connection, tables.STABILITY)


def _ranks(connection: sqlite3.Connection) -> None:
    """Intervals of scores and times, paired comparisons, ranks that may be shared."""
    for column in ("score_low", "score_high", "median_low_ms", "median_high_ms"):
        connection.execute(f"ALTER TABLE evaluations ADD COLUMN {column} REAL")
    connection.execute(tables.COMPARISONS)
    # A shared rank cannot be part of a key any more, and SQLite changes no key in place.
    names = ", ".join(row[1] for row in connection.execute("PRAGMA table_info(snapshots)"))
    connection.execute("ALTER TABLE snapshots RENAME TO snapshots_1")
    connection.execute(tables.SNAPSHOTS)
    connection.execute(f"INSERT INTO snapshots ({names}) SELECT {names} FROM snapshots_1")  # noqa: S608 - names are ours
    connection.execute("DROP TABLE snapshots_1")


def _spec_versions(connection: sqlite3.Connection) -> None:
    """Versions of grammars; a ledger of a development version may have them already."""
    _execute(connection, tables.SPEC_VERSIONS)


def _points(connection: sqlite3.Connection) -> None:
    """Points of searches and benchmarks."""
    _execute(connection, tables.POINTS)


def _views(connection: sqlite3.Connection) -> None:
    """The leaderboard sorted numbers instead of names; version 11 replaced it."""
    del connection


def _run_gates(connection: sqlite3.Connection) -> None:
    """Gates of whole runs."""
    _execute(connection, tables.RUN_GATES)


def _sources(connection: sqlite3.Connection) -> None:
    """What was judged, and what lanes show of it."""
    _execute(connection, tables.SOURCES)


def _trials(connection: sqlite3.Connection) -> None:
    """Searches and their trials."""
    _execute(connection, tables.TRIALS)


def _handoffs(connection: sqlite3.Connection) -> None:
    """Leases and failures of the queue of hand-offs."""
    _execute(connection, tables.HANDOFFS)


def _standings(connection: sqlite3.Connection) -> None:
    """The ranks of each board are kept."""
    _execute(connection, standings.TABLES)


def _packed(connection: sqlite3.Connection) -> None:
    """Records are packed with the exhibits in them; equal rows of components, gates and attempts are kept once."""
    for name in ("leaderboard", "left_out"):
        connection.execute(f"DROP VIEW IF EXISTS {name}")
    for name in ("come", "go", "change"):
        connection.execute(f"DROP TRIGGER IF EXISTS evaluations_{name}")
    connection.execute("DROP TRIGGER IF EXISTS runs_change")
    _execute(connection, PACKED)
    pack_rows(connection)
    connection.execute("INSERT OR IGNORE INTO boards (lane, suite) SELECT DISTINCT lane, suite FROM evaluations")
    _execute(connection, UNPACKED_BEFORE)
    for statement in (*shapes.VIEWS_SQL, *standings.TRIGGERS, LEADERBOARD, LEFT_OUT):
        connection.execute(statement)
    standings.rank_boards(connection)


def _execute(connection: sqlite3.Connection, statements: str) -> None:
    for statement in statements.split(";\n"):
        if statement.strip():
            connection.execute(statement)


MIGRATIONS = (
    _first, _stability, _ranks, _spec_versions, _points, _views, _run_gates, _sources, _trials, _handoffs, _standings,
    _packed,
)  # fmt: skip
"""Number N, from 1, makes version N of the schema out of the one before it; sqlite-utils records which were applied."""


def _apply(connection: sqlite3.Connection) -> None:
    from sqlite_utils import Database, Migrations  # only a new ledger, or an old one, needs it

    migrations = Migrations("crucible")
    for number, step in enumerate(MIGRATIONS, 1):
        migrations(name=f"m{number:03}{step.__name__}")(lambda db, step=step: step(db.conn))
    apply: Callable[[Database], None] = migrations.apply
    apply(Database(connection, recursive_triggers=False, execute_plugins=False))


def migrate(connection: sqlite3.Connection) -> None:
    """Bring a ledger to this version's schema, all or nothing, under SQLite's write lock."""
    # IMMEDIATE takes the write lock before anything is read: of two processes that meet an empty file one creates
    # the tables and the other, once it is let in, finds nothing pending.
    connection.execute("BEGIN IMMEDIATE")
    try:
        _apply(connection)
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS):d}")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID:d}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
