"""The names other people's SQL relies on."""

from __future__ import annotations

import sqlite3
import sys
import zlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.core.errors import LedgerError
from harness.core.exhibit import pack
from harness.core.exhibit_kinds import Text
from harness.core.ranking import Standing, places
from harness.ledger import queries, row, schema, sources
from harness.ledger.row import Record
from harness.ledger.shapes import VIEWS
from harness.ledger.store import Ledger
from harness.ledger.version import APPLICATION_ID, SCHEMA_VERSION
from tests.ledger.factory import fill, make_evaluation, make_run

PROMISED = {
    "runs": "run_id started_at finished_at status epoch secret_seed tier machine git_commit command",
    "evaluations": "run_id nodeid lane suite subject digest epoch status score passed why attempts stability median_ms "
    "peak_mb tier seconds style style_detected",
    "components": "run_id nodeid name value weight",
    "gates": "run_id nodeid name observed threshold passed why",
    "lineage": "child parent relation",
    "leaderboard": "lane suite rank subject digest score passed status stability median_ms epoch run_id style",
    "attempts": "run_id nodeid",
    "handoffs": "digest state",
    "snapshots": "run_id rank digest",
}


@pytest.mark.parametrize("table", PROMISED)
def test_tables_have_the_columns_of_the_contract(tmp_path, table):
    with Ledger.open(tmp_path / "l.db"), sqlite3.connect(tmp_path / "l.db") as other:
        names = [row[1] for row in other.execute(f"PRAGMA table_info({table})")]
    assert set(PROMISED[table].split()) <= set(names)


def test_the_leaderboard_begins_with_its_promised_columns(tmp_path):
    with Ledger.open(tmp_path / "l.db"), sqlite3.connect(tmp_path / "l.db") as other:
        names = [row[1] for row in other.execute("PRAGMA table_info(leaderboard)")]
    assert names[: len(PROMISED["leaderboard"].split())] == PROMISED["leaderboard"].split()


def test_a_ledger_says_what_it_is(tmp_path):
    Ledger.open(tmp_path / "l.db").close()
    with sqlite3.connect(tmp_path / "l.db") as other:
        assert other.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
        assert other.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
        assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def objects(path):
    with sqlite3.connect(path) as other:
        found = other.execute("SELECT name FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
        return {name: [tuple(c)[1:3] for c in other.execute(f"PRAGMA table_info({name})")] for (name,) in found}


@pytest.mark.parametrize(
    ("names", "sql"),
    [
        (("first", "ranks"), ""),
        (tuple(name for name, _ in schema.MIGRATIONS[:10]), "DROP TABLE run_problems; DROP TABLE case_columns"),
    ],
    ids=["2 before its branches met", "10 with fewer tables"],
)
def test_a_ledger_of_a_version_as_it_was_at_first_is_brought_up_to_date(tmp_path, monkeypatch, names, sql):
    steps = dict(schema.MIGRATIONS)
    with monkeypatch.context() as past:
        past.setattr(schema, "MIGRATIONS", tuple((name, steps[name]) for name in names))
        connection = sqlite3.connect(tmp_path / "l.db", isolation_level=None)
        schema.migrate(connection)
        connection.executescript(sql)
        connection.close()
    fill(tmp_path / "l.db", [make_evaluation()])
    Ledger.open(tmp_path / "new.db").close()
    new = objects(tmp_path / "new.db")
    assert {name: sorted(columns) for name, columns in objects(tmp_path / "l.db").items()} == {
        name: sorted(columns) for name, columns in new.items()
    }


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        ("DROP TABLE _sqlite_migrations", "table runs already exists"),
        ("ALTER TABLE evaluations RENAME TO other", "no such table: "),
    ],
)
def test_a_ledger_whose_tables_are_not_those_of_its_version_is_refused_in_these_words(
    tmp_path, monkeypatch, damage, says
):
    path = tmp_path / "l.db"
    with monkeypatch.context() as past:
        past.setattr(schema, "MIGRATIONS", schema.MIGRATIONS[:6])
        connection = sqlite3.connect(path, isolation_level=None)
        schema.migrate(connection)
        for (view,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'view'").fetchall():
            connection.execute(f"DROP VIEW {view}")
        connection.execute(damage)
        connection.close()
    with pytest.raises(LedgerError, match=f"not those of a ledger of version 6: .*{says}"):
        Ledger.open(path)
    with sqlite3.connect(path) as kept:
        assert kept.execute("PRAGMA user_version").fetchone() == (6,)


@pytest.mark.parametrize("version", range(SCHEMA_VERSION))
def test_a_ledger_of_an_earlier_version_is_brought_up_to_date(tmp_path, monkeypatch, version):
    """Whatever version it was, its tables, indices and views are those of a new ledger, and its rows are kept."""
    assert len(schema.MIGRATIONS) == SCHEMA_VERSION

    with monkeypatch.context() as past:
        past.setattr(schema, "MIGRATIONS", schema.MIGRATIONS[:version])
        connection = sqlite3.connect(tmp_path / "l.db", isolation_level=None)
        schema.migrate(connection)
        if version:
            connection.execute(
                "INSERT INTO runs (run_id, started_at, status, epoch, machine, record)"
                " VALUES ('r', '2026', 'finished', 0, 'box', '{}')"
            )
        connection.close()
    fill(tmp_path / "l.db", [make_evaluation()])
    Ledger.open(tmp_path / "new.db").close()
    assert objects(tmp_path / "l.db") == objects(tmp_path / "new.db")
    with Ledger.read(tmp_path / "l.db") as ledger:
        assert len(ledger.rows("SELECT * FROM runs")) == 1 + bool(version)
        assert [row["rank"] for row in ledger.rows("SELECT * FROM leaderboard")] == [1]


def test_a_new_ledger_is_what_sqlite_utils_would_make(tmp_path):
    """Its tables are made without sqlite-utils, which must find its own record of them when a later version asks."""

    def content(make, name):
        with sqlite3.connect(tmp_path / name, isolation_level=None) as connection:
            connection.execute("BEGIN")
            make(connection)
            connection.execute("COMMIT")
            objects = connection.execute(
                "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY rowid"
            ).fetchall()
            applied = connection.execute("SELECT id, migration_set, name, length(applied_at) FROM _sqlite_migrations")
            return objects, applied.fetchall()

    assert content(schema._create, "new.db") == content(schema._apply, "migrated.db")


def test_a_new_ledger_needs_no_sqlite_utils(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "sqlite_utils", None)
    Ledger.open(tmp_path / "l.db").close()


def test_a_step_that_fails_changes_nothing(tmp_path, monkeypatch):
    def fail(_connection):
        raise OSError("no")

    connection = sqlite3.connect(tmp_path / "l.db", isolation_level=None)
    with monkeypatch.context() as past:
        past.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS[:3], ("fails", fail)))
        with pytest.raises(OSError, match="no"):
            schema.migrate(connection)
    assert connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
    assert connection.execute("PRAGMA user_version").fetchone() == (0,)
    schema.migrate(connection)
    schema.migrate(connection)  # of two processes that meet an empty file, the second has nothing to do
    assert connection.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
    connection.close()


def test_evaluations_of_version_11_are_packed(tmp_path, monkeypatch):
    """All that version 11 had in tables of their own is where it was: components, gates, attempts and exhibits."""
    made = make_evaluation(exhibits=(pack("note", Text(title="Note", text="\U0001f600")),), parents=("a" * 64,))
    [shown] = made.evidence.exhibits
    values = row.evaluation_values(Record("r", "2026", "box", made.model_dump_json(), made))
    values |= {"record": made.model_dump_json().replace(shown.data, ""), "machine": "box", "inputs_key": "b" * 64}
    values |= {"case_key": made.case.key, "score_low": 0.9, "score_high": 0.9, "median_low_ms": 1, "median_high_ms": 1}
    parts = dict(zip(VIEWS, row.shaped_rows(made), strict=True))
    with monkeypatch.context() as past:
        past.setattr(schema, "MIGRATIONS", schema.MIGRATIONS[:11])
        connection = sqlite3.connect(tmp_path / "l.db", isolation_level=None)
        schema.migrate(connection)
        connection.execute(
            "INSERT INTO runs (run_id, started_at, status, epoch, machine, record)"
            " VALUES ('r', '2026', 'finished', 0, 'box', '{}')"
        )
        marks = ", ".join("?" * len(values))
        connection.execute(f"INSERT INTO evaluations ({', '.join(values)}) VALUES ({marks})", tuple(values.values()))
        for view, rows in parts.items():
            names, marks = ", ".join(VIEWS[view]), ", ".join("?" * len(VIEWS[view]))
            for position, cells in enumerate(rows):
                query = f"INSERT INTO {view} (run_id, nodeid, position, {names}) VALUES ('r', ?, ?, {marks})"
                connection.execute(query, (made.case.nodeid, position, *cells))
        connection.execute("INSERT INTO exhibits VALUES (?, 'text', ?)", (shown.digest, shown.stored))
        connection.execute("INSERT INTO case_exhibits VALUES ('r', ?, 0, 'note', ?)", (made.case.nodeid, shown.digest))
        connection.execute("INSERT INTO sources VALUES ('d', 4, ?, '2026')", (zlib.compress(b"text"),))
        connection.close()
    with Ledger.open(tmp_path / "l.db") as ledger:
        assert queries.load(ledger, "r", made.case.nodeid) == made
        assert set(queries.judged(ledger, [made.case.key])) == {made.case.key}
        for view, rows in parts.items():
            read = ledger.rows(f"SELECT {', '.join(VIEWS[view])} FROM {view} ORDER BY position")
            assert [tuple(one.values()) for one in read] == [tuple(one) for one in rows]
        [board] = queries.leaderboard(ledger)
        assert (board["machine"], board["score_low"], board["median_high_ms"]) == ("box", 0.9, 1)
        assert sources.read(ledger, "d") == "text"


def test_a_view_of_version_1_is_replaced(tmp_path, monkeypatch):
    with monkeypatch.context() as past:
        past.setattr(schema, "MIGRATIONS", schema.MIGRATIONS[:1])
        connection = sqlite3.connect(tmp_path / "l.db", isolation_level=None)
        schema.migrate(connection)
        connection.execute("CREATE VIEW leaderboard AS SELECT 1 AS rank")
        connection.close()
    fill(tmp_path / "l.db", [make_evaluation()])
    with Ledger.read(tmp_path / "l.db") as ledger:
        [row] = ledger.rows("SELECT * FROM leaderboard")
        assert (row["attempts"], row["hash_seeds"], row["rung"], row["confirmed"]) == (2, None, 0, 0)
        assert row["stability_bound"] == pytest.approx(1 - 0.05**0.5)


def test_an_evaluation_fills_its_tables(tmp_path):
    [run_id] = fill(tmp_path / "l.db", [make_evaluation(parents=("a" * 64,), style="loop", detected="functional")])
    with Ledger.read(tmp_path / "l.db") as ledger:
        [row] = ledger.rows("SELECT * FROM evaluations")
        assert (row["run_id"], row["nodeid"], row["subject"]) == (run_id, "clamp.suite.yaml::good", "good")
        assert (row["status"], row["score"], row["passed"], row["as_expected"]) == ("ok", 0.9, 1, 1)
        assert (row["attempts"], row["stability"], row["tier"]) == (2, 1.0, "B")
        assert (row["style"], row["style_detected"], row["expected"]) == ("loop", "functional", None)
        assert [(c["name"], c["value"]) for c in ledger.rows("SELECT * FROM components")] == [("correctness", 0.9)]
        assert [(g["name"], g["threshold"], g["passed"]) for g in ledger.rows("SELECT * FROM gates")] == [
            ("score", 0.8, 1)
        ]
        assert [a["seed"] for a in ledger.rows("SELECT * FROM attempts")] == ["0", "1"]
        assert [x["parent"] for x in ledger.rows("SELECT * FROM lineage")] == ["a" * 64]


def test_deleting_a_run_deletes_what_hangs_on_it(tmp_path):
    [run_id] = fill(tmp_path / "l.db", [make_evaluation()])
    with Ledger.open(tmp_path / "l.db") as ledger:
        with ledger.writing() as connection:
            connection.execute("DELETE FROM runs WHERE run_id = ?", (run_id,))
        for table in ("evaluations", "components", "gates", "attempts", "snapshots"):
            assert ledger.rows(f"SELECT * FROM {table}") == []


def test_a_seed_beyond_64_bits_survives(tmp_path):
    with Ledger.open(tmp_path / "l.db") as ledger:
        for number, seed in enumerate((5, 2**63 - 1, 2**80), 1):
            ledger.begin(make_run(number).model_copy(update={"secret_seed": seed}))
        seeds = [row["secret_seed"] for row in ledger.rows("SELECT secret_seed FROM runs ORDER BY run_id")]
    assert seeds == [5, 2**63 - 1, str(2**80)]


class TestLeaderboard:
    def test_a_failing_subject_never_ranks_above_a_passing_one(self, tmp_path):
        fill(
            tmp_path / "l.db",
            [
                make_evaluation("fails", score=0.99, gate=1.0),
                make_evaluation("passes", score=0.85),
                make_evaluation("skipped", score=None, status="skipped", why="no GPU"),
                make_evaluation("wrong", score=0.3, status="wrong"),
                make_evaluation("planted", score=0.0, status="timeout", expect="timeout"),
            ],
        )
        with Ledger.read(tmp_path / "l.db") as ledger:
            rows = ledger.rows("SELECT * FROM leaderboard")
        assert [row["subject"] for row in rows] == ["passes", "fails", "wrong", "planted", "skipped"]
        assert [row["passed"] for row in rows] == [1, 0, 0, 0, 0]
        assert [row["rank"] for row in rows] == [1, 2, 3, 4, 5]

    def test_only_the_latest_evaluation_of_a_digest_counts(self, tmp_path):
        ids = fill(
            tmp_path / "l.db",
            [make_evaluation("a", score=0.95), make_evaluation("b", score=0.9)],
            [make_evaluation("a", score=0.85)],
        )
        with Ledger.read(tmp_path / "l.db") as ledger:
            rows = ledger.rows("SELECT subject, score, run_id FROM leaderboard")
        assert [tuple(row.values()) for row in rows] == [("b", 0.9, ids[0]), ("a", 0.85, ids[1])]

    def test_the_worst_of_several_cases_stands_for_a_digest(self, tmp_path):
        shapes = [
            make_evaluation("k", case="k-64", score=0.95),
            make_evaluation("k", case="k-128", score=0.2, status="wrong"),
            make_evaluation("k", case="k-256", score=0.9),
        ]
        fill(tmp_path / "l.db", shapes)
        with Ledger.read(tmp_path / "l.db") as ledger:
            [row] = ledger.rows("SELECT * FROM leaderboard")
        assert (row["nodeid"], row["passed"]) == ("clamp.suite.yaml::k-128", 0)

    def test_suites_rank_by_themselves(self, tmp_path):
        fill(tmp_path / "l.db", [make_evaluation("a", suite=suite, score=0.9) for suite in ("x", "y")])
        with Ledger.read(tmp_path / "l.db") as ledger:
            assert [row["rank"] for row in ledger.rows("SELECT rank FROM leaderboard")] == [1, 1]

    @settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
    @given(
        st.lists(
            st.tuples(
                st.one_of(st.none(), st.floats(0, 1)),
                st.sampled_from(["ok", "wrong", "skipped", "infra", "noisy"]),
                st.one_of(st.none(), st.floats(0, 1)),
                st.one_of(st.none(), st.floats(0, 1e6)),
            ),
            max_size=12,
        )
    )
    def test_order_for_any_verdicts(self, tmp_path_factory, verdicts):
        path = tmp_path_factory.mktemp("board") / "l.db"
        made = [
            make_evaluation(f"c{i}", score=score, status=status, gate=gate, median_ms=median)
            for i, (score, status, gate, median) in enumerate(verdicts)
        ]
        fill(path, made)
        with Ledger.read(path) as ledger:
            rows = ledger.rows("SELECT * FROM leaderboard ORDER BY position")
        assert [row["position"] for row in rows] == list(range(1, len(made) + 1))
        expected = places([Standing.of(row) for row in rows])
        assert [(row["rank"], row["worst_rank"]) for row in rows] == [(one.rank, one.worst) for one in expected]
        assert [row["rank"] for row in rows] == sorted(row["rank"] for row in rows)
        keys = [(not row["passed"], row["score"] is None, -(row["score"] or 0.0)) for row in rows]
        assert keys == sorted(keys)
        assert {row["subject"]: bool(row["passed"]) for row in rows} == {e.case.subject.name: e.passed for e in made}
