"""Tables: the SQL of each version of the schema."""

from __future__ import annotations

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


# One row for each gate of a whole run (`--gate`, `[tool.crucible] gates`), in the order they were given, and one for
# whatever else kept the run from holding: a wrong suite, a report that could not be written. `case_columns` are those
# that plugins add (`crucible_columns`), numbers or text.
RUN_GATES = """
CREATE TABLE IF NOT EXISTS run_gates (
    run_id TEXT NOT NULL REFERENCES runs (run_id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    expression TEXT NOT NULL,
    observed REAL,
    threshold REAL,
    passed INTEGER NOT NULL CHECK (passed IN (0, 1)),
    why TEXT NOT NULL DEFAULT '',
    nodeid TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (run_id, position)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS case_columns (
    run_id TEXT NOT NULL,
    nodeid TEXT NOT NULL,
    name TEXT NOT NULL,
    value,
    PRIMARY KEY (run_id, nodeid, name),
    FOREIGN KEY (run_id, nodeid) REFERENCES evaluations (run_id, nodeid) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS run_problems (
    run_id TEXT NOT NULL REFERENCES runs (run_id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    why TEXT NOT NULL,
    nodeid TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (run_id, position)
) WITHOUT ROWID;
"""

# Content by digest: what was judged (`text` is deflated, and NULL when it is too large to keep) and what lanes show of
# an evaluation.
SOURCES = """
CREATE TABLE sources (
    digest TEXT PRIMARY KEY,
    size INTEGER NOT NULL,
    text BLOB,
    created_at TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE exhibits (
    digest TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    data BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE case_exhibits (
    run_id TEXT NOT NULL,
    nodeid TEXT NOT NULL,
    position INTEGER NOT NULL,
    name TEXT NOT NULL,
    digest TEXT NOT NULL,
    PRIMARY KEY (run_id, nodeid, position),
    FOREIGN KEY (run_id, nodeid) REFERENCES evaluations (run_id, nodeid) ON DELETE CASCADE
) WITHOUT ROWID;
"""

# A search is an experiment with numbered trials (docs/evolution.md): a row is written when a candidate is proposed and
# completed when it is judged, so a search continues from its rows after any kill.
TRIALS = """
CREATE TABLE experiments (
    experiment TEXT PRIMARY KEY,
    lane TEXT NOT NULL,
    config TEXT NOT NULL CHECK (json_valid(config)),
    state TEXT NOT NULL DEFAULT 'running',
    record TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(record)),
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE trials (
    experiment TEXT NOT NULL REFERENCES experiments (experiment) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    island INTEGER NOT NULL DEFAULT 0,
    suite TEXT NOT NULL,
    digest TEXT NOT NULL,
    normal_form TEXT NOT NULL DEFAULT '',
    parents TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(parents)),
    operator TEXT NOT NULL DEFAULT '',
    stage TEXT NOT NULL DEFAULT 'proposed',
    status TEXT NOT NULL DEFAULT '',
    score REAL,
    passed INTEGER,
    run_id TEXT NOT NULL DEFAULT '',
    verdict TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(verdict)),
    seconds REAL NOT NULL DEFAULT 0,
    proposed_at TEXT NOT NULL,
    judged_at TEXT,
    PRIMARY KEY (experiment, number)
) WITHOUT ROWID;
CREATE INDEX trials_digest ON trials (digest);
"""

# A queue (`harness.ledger.handoffs`): the worker that takes an entry holds it until `lease_until`; `failures` are the
# times of failed attempts, `result` is what became of it.
HANDOFFS = """
ALTER TABLE handoffs ADD COLUMN attempts INTEGER NOT NULL DEFAULT 0;
ALTER TABLE handoffs ADD COLUMN holder TEXT NOT NULL DEFAULT '';
ALTER TABLE handoffs ADD COLUMN lease_until TEXT;
ALTER TABLE handoffs ADD COLUMN expires_at TEXT;
ALTER TABLE handoffs ADD COLUMN failures TEXT NOT NULL DEFAULT '[]';
ALTER TABLE handoffs ADD COLUMN tool TEXT NOT NULL DEFAULT '';
ALTER TABLE handoffs ADD COLUMN result TEXT NOT NULL DEFAULT '{}';
"""
