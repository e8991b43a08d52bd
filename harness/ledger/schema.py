"""Schema: the tables of a ledger and how an older one becomes a newer one."""

from __future__ import annotations

import sqlite3

from harness.ledger.ranking import LEADERBOARD, LEFT_OUT
from harness.ledger.version import APPLICATION_ID

# `secret_seed` has no type on purpose: SQLite then keeps a small seed as an integer and one beyond 64 bits as text,
# where INTEGER would quietly turn the latter into a float.
TABLES = """
CREATE TABLE runs (
    run_id TEXT PRIMARY KEY,
    started_at TEXT NOT NULL,
    finished_at TEXT,
    status TEXT NOT NULL CHECK (status IN ('running', 'finished', 'aborted')),
    epoch INTEGER NOT NULL,
    secret_seed,
    tier TEXT,
    machine TEXT NOT NULL,
    git_commit TEXT NOT NULL DEFAULT '',
    command TEXT NOT NULL DEFAULT '',
    versions TEXT NOT NULL DEFAULT '{}',
    record TEXT NOT NULL
);
CREATE INDEX runs_started ON runs (started_at);

CREATE TABLE evaluations (
    run_id TEXT NOT NULL REFERENCES runs (run_id) ON DELETE CASCADE,
    nodeid TEXT NOT NULL,
    lane TEXT NOT NULL,
    suite TEXT NOT NULL,
    subject TEXT NOT NULL,
    digest TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    status TEXT NOT NULL,
    score REAL,
    passed INTEGER NOT NULL CHECK (passed IN (0, 1)),
    why TEXT NOT NULL DEFAULT '',
    attempts INTEGER NOT NULL DEFAULT 0,
    stability REAL,
    median_ms REAL,
    peak_mb REAL,
    tier TEXT,
    seconds REAL NOT NULL DEFAULT 0,
    style TEXT NOT NULL DEFAULT '',
    style_detected TEXT,
    machine TEXT NOT NULL DEFAULT '',
    case_key TEXT NOT NULL DEFAULT '',
    inputs_key TEXT NOT NULL DEFAULT '',
    expected TEXT,
    as_expected INTEGER NOT NULL,
    neutral INTEGER NOT NULL DEFAULT 0,
    created_at TEXT NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (run_id, nodeid)
);
CREATE INDEX evaluations_subject ON evaluations (lane, suite, digest, run_id, passed, score, nodeid);
CREATE INDEX evaluations_nodeid ON evaluations (nodeid);
CREATE INDEX evaluations_digest ON evaluations (digest);
CREATE INDEX evaluations_case ON evaluations (case_key);

CREATE TABLE components (
    run_id TEXT NOT NULL,
    nodeid TEXT NOT NULL,
    position INTEGER NOT NULL,
    name TEXT NOT NULL,
    value REAL,
    weight REAL NOT NULL,
    why TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (run_id, nodeid, position),
    FOREIGN KEY (run_id, nodeid) REFERENCES evaluations (run_id, nodeid) ON DELETE CASCADE
) WITHOUT ROWID;

CREATE TABLE gates (
    run_id TEXT NOT NULL,
    nodeid TEXT NOT NULL,
    position INTEGER NOT NULL,
    name TEXT NOT NULL,
    observed REAL,
    threshold REAL NOT NULL,
    passed INTEGER NOT NULL,
    why TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (run_id, nodeid, position),
    FOREIGN KEY (run_id, nodeid) REFERENCES evaluations (run_id, nodeid) ON DELETE CASCADE
) WITHOUT ROWID;

CREATE TABLE attempts (
    run_id TEXT NOT NULL,
    nodeid TEXT NOT NULL,
    position INTEGER NOT NULL,
    seed TEXT NOT NULL,
    hash_seed TEXT,
    status TEXT NOT NULL,
    why TEXT NOT NULL DEFAULT '',
    answers TEXT NOT NULL DEFAULT '',
    seconds REAL NOT NULL DEFAULT 0,
    cpu_ms REAL,
    peak_mb REAL,
    PRIMARY KEY (run_id, nodeid, position),
    FOREIGN KEY (run_id, nodeid) REFERENCES evaluations (run_id, nodeid) ON DELETE CASCADE
) WITHOUT ROWID;

CREATE TABLE lineage (
    child TEXT NOT NULL,
    parent TEXT NOT NULL,
    relation TEXT NOT NULL DEFAULT 'derived',
    created_at TEXT NOT NULL,
    PRIMARY KEY (child, parent, relation)
) WITHOUT ROWID;
CREATE INDEX lineage_parent ON lineage (parent);

CREATE TABLE handoffs (
    handoff_id TEXT PRIMARY KEY,
    run_id TEXT,
    nodeid TEXT,
    lane TEXT NOT NULL,
    digest TEXT NOT NULL,
    reason TEXT NOT NULL DEFAULT '',
    state TEXT NOT NULL DEFAULT 'queued',
    result_digest TEXT,
    payload TEXT NOT NULL DEFAULT '{}',
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
);
CREATE INDEX handoffs_state ON handoffs (state, created_at);

CREATE TABLE snapshots (
    run_id TEXT NOT NULL REFERENCES runs (run_id) ON DELETE CASCADE,
    lane TEXT NOT NULL,
    suite TEXT NOT NULL,
    rank INTEGER NOT NULL,
    subject TEXT NOT NULL,
    digest TEXT NOT NULL,
    score REAL,
    passed INTEGER NOT NULL,
    status TEXT NOT NULL,
    stability REAL,
    median_ms REAL,
    epoch INTEGER NOT NULL,
    evaluated_in TEXT NOT NULL,
    style TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (run_id, lane, suite, rank)
) WITHOUT ROWID;
"""
COMPARISONS = """
CREATE TABLE comparisons (
    run_id TEXT NOT NULL,
    nodeid TEXT NOT NULL,
    position INTEGER NOT NULL,
    role TEXT NOT NULL,
    rival TEXT NOT NULL,
    digest TEXT NOT NULL,
    verdict TEXT NOT NULL,
    ratio REAL,
    low REAL,
    high REAL,
    deviation REAL,
    threshold REAL,
    false_alarms INTEGER NOT NULL,
    experiments INTEGER NOT NULL,
    pairs INTEGER NOT NULL,
    why TEXT NOT NULL,
    PRIMARY KEY (run_id, nodeid, position),
    FOREIGN KEY (run_id, nodeid) REFERENCES evaluations (run_id, nodeid) ON DELETE CASCADE
) WITHOUT ROWID
"""

SNAPSHOTS = """
CREATE TABLE snapshots (
    run_id TEXT NOT NULL REFERENCES runs (run_id) ON DELETE CASCADE,
    lane TEXT NOT NULL,
    suite TEXT NOT NULL,
    rank INTEGER NOT NULL,
    subject TEXT NOT NULL,
    digest TEXT NOT NULL,
    score REAL,
    passed INTEGER NOT NULL,
    status TEXT NOT NULL,
    stability REAL,
    median_ms REAL,
    epoch INTEGER NOT NULL,
    evaluated_in TEXT NOT NULL,
    style TEXT NOT NULL DEFAULT '',
    worst_rank INTEGER,
    PRIMARY KEY (run_id, lane, suite, digest)
) WITHOUT ROWID
"""


# What attempts prove (docs/stability.md), the run whose verdict an evaluation repeats (docs/reuse.md), and the group
# of its subject (`Subject.group`; `GROUP` is a word of SQL).
STABILITY = """
ALTER TABLE evaluations ADD COLUMN hash_seeds INTEGER;
ALTER TABLE evaluations ADD COLUMN stability_bound REAL;
ALTER TABLE evaluations ADD COLUMN rung INTEGER;
ALTER TABLE evaluations ADD COLUMN confirmed INTEGER;
ALTER TABLE evaluations ADD COLUMN reused_from TEXT NOT NULL DEFAULT '';
ALTER TABLE evaluations ADD COLUMN cohort TEXT NOT NULL DEFAULT '';
ALTER TABLE attempts ADD COLUMN round INTEGER NOT NULL DEFAULT 0;
"""


# Versions of grammars (`harness.lanes.spec.archive`): what was tried, from what, and what it scored.
SPEC_VERSIONS = """
CREATE TABLE IF NOT EXISTS spec_versions (
    version_id TEXT PRIMARY KEY,
    parent_id TEXT REFERENCES spec_versions (version_id),
    text TEXT NOT NULL,
    patch TEXT,
    description TEXT NOT NULL DEFAULT '',
    score REAL,
    holdout REAL,
    created_at TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS spec_versions_parent ON spec_versions (parent_id);
CREATE TABLE IF NOT EXISTS spec_branches (
    name TEXT PRIMARY KEY,
    version_id TEXT NOT NULL REFERENCES spec_versions (version_id)
);
"""


# Points of searches and benchmarks (`harness.ledger.points`): what each came to, under a digest of all it depends on.
POINTS = """
CREATE TABLE points (
    key TEXT PRIMARY KEY,
    lane TEXT NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    identity TEXT NOT NULL CHECK (json_valid(identity)),
    value TEXT NOT NULL CHECK (json_valid(value)),
    created_at TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX points_kind ON points (lane, kind, created_at);
"""


def _first(connection: sqlite3.Connection) -> None:
    """All tables of version 1."""
    _execute(connection, TABLES)


def _stability(connection: sqlite3.Connection) -> None:
    """The bound that attempts prove, and where a verdict was taken from."""
    connection.execute("DROP VIEW IF EXISTS leaderboard")
    _execute(connection, STABILITY)


def _ranks(connection: sqlite3.Connection) -> None:
    """Intervals of scores and times, paired comparisons, ranks that may be shared."""
    for column in ("score_low", "score_high", "median_low_ms", "median_high_ms"):
        connection.execute(f"ALTER TABLE evaluations ADD COLUMN {column} REAL")
    connection.execute(COMPARISONS)
    # A shared rank cannot be part of a key any more, and SQLite changes no key in place.
    names = ", ".join(row[1] for row in connection.execute("PRAGMA table_info(snapshots)"))
    connection.execute("ALTER TABLE snapshots RENAME TO snapshots_1")
    connection.execute(SNAPSHOTS)
    connection.execute(f"INSERT INTO snapshots ({names}) SELECT {names} FROM snapshots_1")  # noqa: S608 - names are ours
    connection.execute("DROP TABLE snapshots_1")


def _spec_versions(connection: sqlite3.Connection) -> None:
    """Versions of grammars; a ledger of a development version may have them already."""
    _execute(connection, SPEC_VERSIONS)


def _points(connection: sqlite3.Connection) -> None:
    """Points of searches and benchmarks."""
    _execute(connection, POINTS)


def _views(connection: sqlite3.Connection) -> None:
    """The leaderboard sorts numbers instead of names."""
    for name, view in (("leaderboard", LEADERBOARD), ("left_out", LEFT_OUT)):
        connection.execute(f"DROP VIEW IF EXISTS {name}")
        connection.execute(view)


def _execute(connection: sqlite3.Connection, statements: str) -> None:
    for statement in statements.split(";\n"):
        if statement.strip():
            connection.execute(statement)


MIGRATIONS = (_first, _stability, _ranks, _spec_versions, _points, _views)
"""Number N, from 1, makes version N of the schema out of the one before it."""


def migrate(connection: sqlite3.Connection) -> None:
    """Bring a ledger to this version's schema, all or nothing, under SQLite's write lock."""
    # IMMEDIATE takes the write lock before anything is read: of two processes that meet an empty file one creates
    # the tables and the other, once it is let in, finds nothing pending.
    connection.execute("BEGIN IMMEDIATE")
    try:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        for step in MIGRATIONS[version:]:
            step(connection)
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS):d}")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID:d}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
