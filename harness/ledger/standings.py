"""Standings: the ranks of each board, kept, so that a leaderboard is read in the time of its rows, not of the ledger.

Triggers mark a board (a suite of a lane) when one of its evaluations comes or goes, or one of its runs changes what is
comparable. The views compute the ranks of marked boards and read those of all others; `rank_boards` computes and keeps
them at the end of what writes many evaluations.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any

from harness.core.ranking import Standing, places
from harness.ledger.ranking import INCOMPARABLE, STANDINGS

TABLES = """
CREATE TABLE boards (
    lane TEXT NOT NULL,
    suite TEXT NOT NULL,
    is_ranked INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (lane, suite)
) WITHOUT ROWID;
CREATE TABLE standings (
    lane TEXT NOT NULL,
    suite TEXT NOT NULL,
    position INTEGER NOT NULL,
    rank INTEGER NOT NULL,
    worst_rank INTEGER NOT NULL,
    run_id TEXT NOT NULL,
    nodeid TEXT NOT NULL,
    PRIMARY KEY (lane, suite, position)
) WITHOUT ROWID;
CREATE TABLE incomparable (
    lane TEXT NOT NULL,
    suite TEXT NOT NULL,
    run_id TEXT NOT NULL,
    nodeid TEXT NOT NULL,
    why TEXT NOT NULL,
    PRIMARY KEY (lane, suite, run_id, nodeid)
) WITHOUT ROWID;
INSERT INTO boards (lane, suite) SELECT DISTINCT lane, suite FROM evaluations;
"""
LEADERS = """
ALTER TABLE boards ADD COLUMN leader INTEGER;
ALTER TABLE boards ADD COLUMN candidate INTEGER;
ALTER TABLE standings ADD COLUMN leads INTEGER NOT NULL DEFAULT 0;
UPDATE boards SET is_ranked = 0;
"""
_MARK = "ON CONFLICT (lane, suite) DO UPDATE SET is_ranked = 0 WHERE is_ranked"
TRIGGERS = (
    f"""CREATE TRIGGER evaluations_come AFTER INSERT ON evaluations BEGIN
        INSERT INTO boards (lane, suite) VALUES (NEW.lane, NEW.suite) {_MARK}; END""",  # noqa: S608
    f"""CREATE TRIGGER evaluations_go AFTER DELETE ON evaluations BEGIN
        INSERT INTO boards (lane, suite) VALUES (OLD.lane, OLD.suite) {_MARK}; END""",  # noqa: S608
    f"""CREATE TRIGGER evaluations_change AFTER UPDATE ON evaluations BEGIN
        INSERT INTO boards (lane, suite) VALUES (OLD.lane, OLD.suite) {_MARK};
        INSERT INTO boards (lane, suite) VALUES (NEW.lane, NEW.suite) {_MARK}; END""",  # noqa: S608
    f"""CREATE TRIGGER runs_change AFTER UPDATE OF epoch, machine, tier, started_at ON runs
        WHEN (OLD.epoch, OLD.machine, OLD.started_at) <> (NEW.epoch, NEW.machine, NEW.started_at)
            OR OLD.tier IS NOT NEW.tier BEGIN
        INSERT INTO boards (lane, suite)
            SELECT DISTINCT lane, suite FROM evaluations WHERE run_id = NEW.run_id {_MARK}; END""",  # noqa: S608
)


def rank_boards(connection: sqlite3.Connection) -> None:
    """Compute and keep the ranks of all marked boards, within the caller's transaction, in the memory of one board."""
    if connection.execute("SELECT 1 FROM boards WHERE NOT is_ranked").fetchone() is None:
        return
    stale = "(lane, suite) IN (SELECT lane, suite FROM boards WHERE NOT is_ranked)"
    connection.execute(f"DELETE FROM standings WHERE {stale}")  # noqa: S608 - constants
    connection.execute(f"DELETE FROM incomparable WHERE {stale}")  # noqa: S608
    cursor = connection.cursor()
    cursor.row_factory = None
    for (_, *board), rows in groupby(cursor.execute(STANDINGS), key=itemgetter(0, 1, 2)):
        connection.executemany(
            """INSERT INTO standings (lane, suite, run_id, nodeid, leads, position, rank, worst_rank)
               VALUES (?, ?, ?, ?, ?, ?, ?, ?)""",
            ((*board, *values) for values in _ranked(rows)),
        )
    columns = "lane, suite, run_id, nodeid, why"
    connection.execute(f"INSERT INTO incomparable ({columns}) SELECT {columns} FROM ({INCOMPARABLE})")  # noqa: S608
    first = "SELECT min(position) FROM standings s WHERE s.lane = boards.lane AND s.suite = boards.suite AND leads"
    connection.execute(
        f"UPDATE boards SET is_ranked = 1, leader = ({first} > 1), candidate = ({first}) WHERE NOT is_ranked"  # noqa: S608
    )


def _ranked(board: Iterable[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    """The rows of `standings`, without lane and suite, for those of a board in `STANDINGS`."""
    cases, standings = [], []
    runs: dict[str, str] = {}  # one string for each, not for each row
    for *_, run_id, nodeid, leads, passed, score, low, high, best, worst in board:
        cases.append((runs.setdefault(run_id, run_id), nodeid, leads))
        standings.append(Standing(passed, score, low, high, best, worst))
    found = places(standings)
    for position, number in enumerate(sorted(range(len(cases)), key=lambda one: found[one].rank), 1):
        yield *cases[number], position, found[number].rank, found[number].worst
