"""Schema: the tables of a ledger and how an older one becomes a newer one."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from harness.ledger import shapes, standings, tables
from harness.ledger.packed_rows import PACKED, UNPACKED_BEFORE, pack_rows
from harness.ledger.ranking import LEADERBOARD, LEFT_OUT
from harness.ledger.version import APPLICATION_ID

if TYPE_CHECKING:
    from sqlite_utils import Database


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
    for statement in (*shapes.VIEWS_SQL, *standings.TRIGGERS):
        connection.execute(statement)


def _leaders(connection: sqlite3.Connection) -> None:
    """A board knows its leader."""
    _execute(connection, tables.RUN_GATES)  # version 10 had fewer of them at first
    _execute(connection, standings.LEADERS)
    for name, view in (("leaderboard", LEADERBOARD), ("left_out", LEFT_OUT)):
        connection.execute(f"DROP VIEW IF EXISTS {name}")
        connection.execute(view)
    standings.rank_boards(connection)


def _execute(connection: sqlite3.Connection, statements: str) -> None:
    for statement in statements.split(";\n"):
        if statement.strip():
            connection.execute(statement)


MIGRATIONS: tuple[tuple[str, str | Callable[[sqlite3.Connection], None]], ...] = (
    ("first", tables.TABLES),
    ("stability", f"DROP VIEW IF EXISTS leaderboard;\n{tables.STABILITY}"),
    ("ranks", _ranks),
    ("spec_versions", tables.SPEC_VERSIONS),
    ("points", tables.POINTS),
    ("views", ""),  # it sorted the leaderboard by numbers instead of names; number 11 replaced that
    ("run_gates", tables.RUN_GATES),
    ("sources", tables.SOURCES),
    ("trials", tables.TRIALS),
    ("handoffs", tables.HANDOFFS),
    ("standings", standings.TABLES),
    ("packed", _packed),
    ("leaders", _leaders),
)
"""Number N, from 1, makes version N of the schema out of the one before it; sqlite-utils records which were applied."""

_APPLIED = """CREATE TABLE "_sqlite_migrations" (
   "id" INTEGER PRIMARY KEY,
   "migration_set" TEXT,
   "name" TEXT,
   "applied_at" TEXT
);
CREATE UNIQUE INDEX "idx__sqlite_migrations_migration_set_name"
    ON "_sqlite_migrations" ("migration_set", "name");
"""  # as sqlite-utils makes them


def _named() -> list[tuple[str, str | Callable[[sqlite3.Connection], None]]]:
    return [(f"m{number:03}_{name}", step) for number, (name, step) in enumerate(MIGRATIONS, 1)]


def _step(migration: str | Callable[[sqlite3.Connection], None], connection: sqlite3.Connection) -> None:
    if callable(migration):
        migration(connection)
    else:
        _execute(connection, migration)


def _create(connection: sqlite3.Connection) -> None:
    """What `_apply` does with an empty database, without sqlite-utils: importing it imports NumPy."""
    _execute(connection, _APPLIED)
    for name, step in _named():
        _step(step, connection)
        connection.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('crucible', ?, ?)",
            (name, str(datetime.now(UTC))),
        )


def _apply(connection: sqlite3.Connection) -> None:
    from sqlite_utils import Database, Migrations  # only an older ledger needs it

    migrations = Migrations("crucible")
    recorded = connection.execute("SELECT 1 FROM sqlite_master WHERE name = '_sqlite_migrations'").fetchone()
    for key, step in _named():
        if recorded:  # under the number that it had in its version: `ranks` once came before `stability`
            connection.execute("UPDATE _sqlite_migrations SET name = ? WHERE substr(name, 6) = ?", (key, key[5:]))
        migrations(name=key)(lambda db, step=step: _step(step, db.conn))
    apply: Callable[[Database], None] = migrations.apply
    apply(Database(connection, recursive_triggers=False, execute_plugins=False))


def migrate(connection: sqlite3.Connection) -> None:
    """Bring a ledger to this version's schema, all or nothing, under SQLite's write lock."""
    # IMMEDIATE takes the write lock before anything is read: of two processes that meet an empty file one creates
    # the tables and the other, once it is let in, finds nothing pending.
    connection.execute("BEGIN IMMEDIATE")
    try:
        is_empty = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
        (_create if is_empty else _apply)(connection)
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS):d}")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID:d}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
