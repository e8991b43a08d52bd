"""Ledgers of several machines or shards become one."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.core.errors import LedgerError
from harness.core.gate import Gate
from harness.ledger import queries
from harness.ledger.handoffs import Handoff, Handoffs
from harness.ledger.journal import folder_of
from harness.ledger.merge import check_source, merge
from harness.ledger.run_gates import Problem, write_run_gates
from harness.ledger.store import Ledger
from tests.ledger.factory import fill, make_evaluation, make_run
from tests.ledger.test_journal import kill_writer

TABLES = (
    "runs", "evaluations", "components", "gates", "attempts", "lineage", "snapshots", "run_gates", "run_problems",
)  # fmt: skip


def contents(path):
    with Ledger.read(path) as ledger:
        return {table: sorted(map(repr, ledger.rows(f"SELECT * FROM {table}"))) for table in TABLES}


def test_two_shards(tmp_path):
    fill(tmp_path / "a.db", [make_evaluation("a"), make_evaluation("b", parents=("a",))], start=1)
    [second] = fill(tmp_path / "b.db", [make_evaluation("c", status="wrong", score=0.1)], start=2)
    with Ledger.open(tmp_path / "b.db") as ledger:
        write_run_gates(ledger, second, [Gate(name="x", threshold=1).evaluate(None)], [Problem("no room\ud800\0")])
    with Ledger.open(tmp_path / "l.db") as ledger:
        assert [(m.runs, m.evaluations) for m in (merge(ledger, tmp_path / f"{n}.db") for n in "ab")] == [
            (1, 2),
            (1, 1),
        ]
        assert {row["subject"] for row in queries.leaderboard(ledger)} == {"a", "b", "c"}
    once, a, b = (contents(tmp_path / f"{name}.db") for name in ("l", "a", "b"))
    for table in TABLES:
        assert once[table] == sorted(a[table] + b[table])
    assert (len(once["run_gates"]), len(once["run_problems"])) == (1, 1)


def test_merging_twice_changes_nothing(tmp_path):
    fill(tmp_path / "a.db", [make_evaluation("a")], [make_evaluation("b")])
    with Ledger.open(tmp_path / "l.db") as ledger:
        merge(ledger, tmp_path / "a.db")
        once = contents(tmp_path / "l.db")
        again = merge(ledger, tmp_path / "a.db")
        assert (again.runs, again.evaluations) == (0, 0)
    assert contents(tmp_path / "l.db") == once == contents(tmp_path / "a.db")


def test_a_run_that_was_still_going_is_completed_later(tmp_path):
    with Ledger.open(tmp_path / "a.db") as source, Ledger.open(tmp_path / "l.db") as ledger:
        source.begin(make_run())
        source.record(make_evaluation("a"), run_id=make_run().run_id)
        source.flush()
        merge(ledger, tmp_path / "a.db")
        assert queries.run(ledger)["status"] == "running"
        source.record(make_evaluation("b"), run_id=make_run().run_id)
        source.finish(make_run().run_id)
        assert merge(ledger, tmp_path / "a.db").evaluations == 1
        assert queries.run(ledger)["status"] == "finished"
    assert contents(tmp_path / "l.db") == contents(tmp_path / "a.db")


def test_what_a_run_recorded_again_after_it_was_merged_comes_along(tmp_path):
    """Finalists are confirmed, and then recorded with more attempts."""
    first, confirmed = (make_evaluation("a", attempts=count) for count in (2, 16))
    with Ledger.open(tmp_path / "a.db") as source, Ledger.open(tmp_path / "l.db") as ledger:
        source.begin(make_run())
        source.record(first, run_id=make_run().run_id)
        source.flush()
        shutil.copy(tmp_path / "a.db", tmp_path / "early.db")
        shutil.copy(tmp_path / "a.db-wal", tmp_path / "early.db-wal")
        merge(ledger, tmp_path / "early.db")
        source.record(confirmed, run_id=make_run().run_id)
        source.finish(make_run().run_id)
        for name in ("a.db", "early.db"):
            merge(ledger, tmp_path / name)
            assert [row["attempts"] for row in ledger.rows("SELECT attempts FROM evaluations")] == [16]
    assert contents(tmp_path / "l.db") == contents(tmp_path / "a.db")


def test_a_killed_shard_is_replayed_first(tmp_path):
    kill_writer(tmp_path / "a.db", 3)
    with Ledger.open(tmp_path / "l.db") as ledger:
        merged = merge(ledger, tmp_path / "a.db")
        assert merged.evaluations == 3
        assert "was killed" in merged.notices[0]


def test_a_journal_alone(tmp_path):
    run_id = kill_writer(tmp_path / "a.db", 3)
    [saved] = folder_of(tmp_path / "a.db").glob("*.jsonl")
    shutil.copy(saved, tmp_path / "saved.jsonl")
    with Ledger.open(tmp_path / "l.db") as ledger:
        assert merge(ledger, tmp_path / "saved.jsonl").evaluations == 3
        with ledger.writing() as connection:
            connection.execute("UPDATE evaluations SET why = 'as it is here'")
        assert merge(ledger, tmp_path / "saved.jsonl").evaluations == 0
        assert {row["why"] for row in ledger.rows("SELECT why FROM evaluations")} == {"as it is here"}
        assert queries.run(ledger)["run_id"] == run_id


def test_what_cannot_be_merged(tmp_path):
    (tmp_path / "no.jsonl").write_text("{}\n")
    (tmp_path / "no.db").write_bytes(b"x" * 4096)
    with Ledger.open(tmp_path / "l.db") as ledger:
        for name, message in (
            ("l.db", "into itself"),
            ("none.db", "the ledger does not exist"),
            ("none.jsonl", "the ledger does not exist"),
            ("no.jsonl", "not the journal"),
            ("no.db", "not a ledger: it is not a SQLite"),
        ):
            with pytest.raises(LedgerError, match=message):
                merge(ledger, tmp_path / name)
        assert queries.runs(ledger) == []
    assert (tmp_path / "no.db").exists()


def test_versions_of_grammars_come_along(tmp_path):
    for name, text in (("a", "types: {}\n"), ("b", "types: {A: {fields: []}}\n")):
        with Ledger.open(tmp_path / f"{name}.db") as ledger, ledger.writing() as connection:
            values = (f"id-{name}", None, text, None, "", 50.0, None, "2026-01-01")
            connection.execute("INSERT INTO spec_versions VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)
            connection.execute("INSERT INTO spec_branches VALUES ('best', ?)", (f"id-{name}",))
    with Ledger.open(tmp_path / "a.db") as ledger:
        merge(ledger, tmp_path / "b.db")
        merge(ledger, tmp_path / "b.db")
        known = ledger.rows("SELECT version_id FROM spec_versions ORDER BY 1")
        assert [row["version_id"] for row in known] == ["id-a", "id-b"]
        [branch] = ledger.rows("SELECT * FROM spec_branches")
        assert branch["version_id"] == "id-a"  # a name that both use stays what it was here


EVALUATIONS = [
    make_evaluation("a"),
    make_evaluation("b", parents=("a",), score=0.85),
    make_evaluation("c", status="wrong", score=0.1),
    make_evaluation("d", status="infra", score=None, gate=None),
    make_evaluation("e", suite="other.suite.yaml", attempts=5),
    make_evaluation("f", median_ms=None, peak_mb=None),
]


def verdicts(path):
    """What a ledger says of each case, without the run and the moment."""
    with Ledger.read(path) as ledger:
        columns = "nodeid, suite, lane, digest, status, score, passed, why, case_key"
        rows = ledger.rows(f"SELECT {columns} FROM evaluations ORDER BY nodeid, digest")
        parts = [
            sorted(tuple(row.values()) for row in ledger.rows(f"SELECT {what} FROM {table}"))
            for table, what in (("lineage", "child, parent"), ("components", "nodeid, name, value"))
        ]
        board = sorted((row["suite"], row["subject"], row["score"]) for row in queries.leaderboard(ledger))
    return rows, parts, board


@settings(max_examples=5, deadline=None)
@given(
    workers=st.lists(st.integers(0, 2), min_size=len(EVALUATIONS), max_size=len(EVALUATIONS)),
    arrival=st.permutations(range(len(EVALUATIONS))),
    again=st.integers(0, 2),
)
def test_the_ledger_does_not_depend_on_who_judged_a_case_or_when_it_arrived(workers, arrival, again):
    """A cluster's driver records results as they come; shards write ledgers of their own, which are merged."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fill(folder / "one.db", EVALUATIONS)
        fill(folder / "driver.db", [EVALUATIONS[number] for number in arrival])
        for worker in range(3):
            part = [EVALUATIONS[number] for number in arrival if workers[number] == worker]
            fill(folder / f"{worker}.db", part, start=worker + 2)
        with Ledger.open(folder / "merged.db") as ledger:
            for worker in (*dict.fromkeys(workers[number] for number in arrival), again):
                merge(ledger, folder / f"{worker}.db")
        expected = verdicts(folder / "one.db")
        assert len(expected[0]) == len(EVALUATIONS)
        assert verdicts(folder / "driver.db") == expected
        assert verdicts(folder / "merged.db") == expected


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        (
            "DROP TABLE trials; CREATE VIEW trials AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i FROM n)"
            " SELECT * FROM n",
            "its trials are computed",
        ),
        ("ALTER TABLE runs ADD z AS (printf('%.*c', 900000000, 'x'))", "its runs are computed"),
        ("DROP TABLE trials; CREATE VIRTUAL TABLE trials USING fts5(a)", "its trials are computed"),
        ("CREATE TRIGGER t AFTER UPDATE ON runs BEGIN DELETE FROM runs; END", "a trigger t of its own"),
        ("DROP TABLE trials", "has no table trials"),
        ("UPDATE evaluations SET score = 'high'", "evaluations have values of another form in the column score"),
        ("UPDATE evaluations SET why = x'ff'", "evaluations have values of another form in the column why"),
        ("UPDATE evaluations SET record = '[]'", "evaluations have values of another form in the column record"),
        ("UPDATE evaluations SET record = zeroblob(40)", "values of another form in the column record"),
        (
            "UPDATE evaluations SET record = zeroblob(40); ALTER TABLE evaluations ADD unpacked DEFAULT"
            """ '{"case": {}, "evidence": {}}'""",
            "values of another form in the column record",
        ),
        ("UPDATE evaluations SET case_key = 'k'", "values of another form in the column case_key"),
        ("UPDATE shapes SET cells = replace(cells, '1', '2')", "shapes have other keys than their content"),
        ("UPDATE dictionaries SET text = x'789c030000000001'", "dictionaries have other keys than their content"),
        ("UPDATE dictionaries SET text = x'00'", "dictionaries have other keys than their content"),
        ("UPDATE runs SET versions = '7'", "runs have values of another form in the column versions"),
        ("UPDATE runs SET record = zeroblob(9)", "runs have values of another form in the column record"),
    ],
)
def test_a_ledger_that_is_made_to_harm_leaves_no_row(tmp_path, sql, message):
    fill(tmp_path / "a.db", [make_evaluation("a")], start=1)
    connection = sqlite3.connect(tmp_path / "a.db")
    connection.executescript(sql)
    connection.close()
    with Ledger.open(tmp_path / "l.db") as ledger:
        with pytest.raises(LedgerError, match=message):
            check_source(tmp_path / "a.db")
            merge(ledger, tmp_path / "a.db")
        assert queries.runs(ledger) == []


def test_a_hand_off_of_another_ledger_waits_only_after_a_run_of_this_one_has_queued_it_again(tmp_path):
    """Its payload names the tool whose oracle a repair executes."""
    theirs, ours = (
        Handoff("toolgen", "double", "t", digest, "wrong", {"spec_path": path})
        for digest, path in (("a", "/theirs"), ("a", "/ours"))
    )
    done = Handoff("toolgen", "double", "t", "b", "wrong")
    with Ledger.open(tmp_path / "a.db") as source:
        Handoffs(source).add([theirs])
        Handoffs(source).keep(done, "repaired", {"strategy": "edits"})
    with Ledger.open(tmp_path / "l.db") as ledger:
        merge(ledger, tmp_path / "a.db")
        queue = Handoffs(ledger)
        assert (queue.waiting(), queue.take("me", seconds=60.0)) == ([], None)
        assert {row["state"] for row in queue.results()} == {"expired", "repaired"}
        assert queue.add([ours]) == 1
        [waiting] = queue.waiting()
        assert waiting.payload["spec_path"] == "/ours"
        merge(ledger, tmp_path / "a.db")
        assert queue.waiting() == [waiting]


def test_opening_a_ledger_does_not_execute_the_checks_of_its_schema(tmp_path):
    fill(tmp_path / "a.db", [make_evaluation("a")], start=1)
    connection = sqlite3.connect(tmp_path / "a.db")
    connection.executescript(
        "CREATE TABLE other (value CHECK (abs(value) >= 0)); PRAGMA ignore_check_constraints = ON;"
        "INSERT INTO other VALUES (-9223372036854775808)"  # whose absolute value is an error
    )
    connection.close()
    with Ledger.open(tmp_path / "l.db") as ledger:
        check_source(tmp_path / "a.db")
        merged = merge(ledger, tmp_path / "a.db")
        assert (merged.evaluations, merged.notices) == (1, ())
