"""The verbs that look."""

from __future__ import annotations

import json

import pytest

from harness.core.gate import Gate
from harness.ledger import queries
from harness.ledger.run_gates import Problem, write_run_gates
from harness.ledger.store import Ledger
from tests.ledger.factory import fill, make_evaluation, make_run


def test_top(crucible):
    done = crucible("top")
    assert done.status == 0
    assert done.out.splitlines()[0] == "dsl · hello.suite.yaml"
    assert [line.split()[1] for line in done.out.splitlines() if line[:2].strip("? ").isdigit() or "?" in line[:2]] == [
        "hello", "trie", "adam", "wrong", "planted",
    ]  # fmt: skip
    assert "hello leads, unconfirmed: 2 attempts; first place needs 14 hash seeds" in done.out
    assert "planted (control)" in done.out
    assert "loop≠trie" in done.out
    rows = crucible("top", "--json", "--lane", "toolgen", "--top", "2").json
    assert [(row["rank"], row["subject"], row["passed"]) for row in rows] == [(1, "trie", 1), (2, "adam", 1)]
    nothing = crucible("top", "--suite", "nope")
    assert nothing.status == 1
    assert "choose one of dsl · hello.suite.yaml, toolgen · clamp.suite.yaml" in nothing.err


def test_show(crucible):
    done = crucible("show", "clamp.suite.yaml::trie")
    assert done.status == 0
    for line in (
        "clamp.suite.yaml::trie  0.900  ok",
        "  style      loop≠trie",
        "  history    ▁█",
        "  gate       passes  score 0.9 passes >= 0.8",
        "  component  0.900  x 1.00  correctness",
        "  attempt    0: ok, seed 0, answers a",
        "  rerun      pytest 'clamp.suite.yaml::trie' --epoch 0 --secret-seed 7",
    ):
        assert line in done.out.splitlines()
    digest = make_evaluation("trie").case.subject.digest
    assert crucible("show", digest[:10]).out == done.out
    [older] = crucible("show", "trie", "--run", "latest~1", "--json").json
    assert older["score"] == 0.8
    assert older["record"]["case"]["subject"]["name"] == "trie"
    assert "expected   timeout: met" in crucible("show", "planted").out
    missing = crucible("show", "tri")
    assert missing.status == 1
    assert "did you mean trie" in missing.err


def test_show_of_a_run(crucible, path):
    with Ledger.open(path) as ledger:
        run_id = queries.run(ledger)["run_id"]
        gates = [Gate(name="mean(score)", threshold=0.8).evaluate(0.5), Gate(name="x", threshold=0).evaluate(1)]
        write_run_gates(ledger, run_id, gates, [Problem("b.suite.yaml could not be collected: no", "b.suite.yaml")])
    assert crucible("show", "--run", "latest").out.splitlines() == [
        f"run {run_id}  finished, epoch 0, tier B",
        "  NOT GOOD  1 of 2 gates fails · b.suite.yaml could not be collected: no",
        "  1 of 3 candidates fails (1 as before) · 1 of 1 control as expected",
        "  gate       FAILS   mean(score) 0.5 fails >= 0.8",
        "  gate       passes  x 1 passes >= 0",
        "  problem    b.suite.yaml could not be collected: no",
        "  candidate  clamp.suite.yaml::wrong: wrong: clamp(x=1) gave 2",
        "    pytest 'clamp.suite.yaml::wrong' --epoch 0 --secret-seed 7",
    ]
    done = crucible("show", "--run", "latest", "--json")
    found = json.loads(done.out)
    assert done.status == 1
    assert (found["held"], [gate["passed"] for gate in found["gates"]]) == (False, [0, 1])
    assert [fault["kind"] for fault in found["faults"]] == ["gate", "problem", "candidate"]


def test_a_reused_verdict_counts_once(crucible, path):
    """In trends and sparklines; if the run that judged it is gone, the first run that repeated it stands for it."""
    with Ledger.read(path) as ledger:
        first = queries.run(ledger)["run_id"]
    again = [make_evaluation("trie", score=0.9, reused=first)]
    fill(path, again, again, start=3)
    assert [row["score"] for row in crucible("trend", "trie", "--json").json] == [0.8, 0.9]
    assert crucible("show", "clamp.suite.yaml::trie").out.count("history    ▁█\n") == 1
    assert len(crucible("trend", "--suite", "clamp", "--json").json) == 2
    assert crucible("prune", "--keep", "2").status == 0
    assert len(crucible("trend", "trie", "--json").json) == 1
    assert len(crucible("trend", "--suite", "clamp", "--json").json) == 2


def test_show_of_one_subject_in_many_cases(crucible, path):
    fill(path, [make_evaluation("k", case=f"k{i}") for i in range(8)], start=9)
    done = crucible("show", "k")
    assert done.out.count("clamp.suite.yaml::k") == 10
    assert "3 more cases match k" in done.out


def test_diff(crucible):
    done = crucible("diff")
    assert done.status == 0
    assert "clamp.suite.yaml::trie  0.800 → 0.900  +0.100 ▲" in done.out
    assert "not judged now: hello.suite.yaml::hello" in done.out
    assert done.out.endswith("1 changed, 3 unchanged, 0 only now, 1 not judged now\n")
    found = crucible("diff", make_run(2).run_id, make_run(1).run_id, "--json").json
    assert found["changed"][0]["score"] == [0.9, 0.8]
    assert crucible("diff", "latest", "latest").status == 1


def test_diff_says_what_cannot_be_compared(crucible, path):
    fill(path, [make_evaluation("trie", content="new")], start=3, machine="laptop", epoch=9)
    assert "not comparable as numbers: machine box -> laptop; epoch 0 -> 9" in crucible("diff").out


def test_trend(crucible):
    done = crucible("trend", "trie")
    assert done.out.splitlines()[-1] == "▁█"
    assert [row["score"] for row in crucible("trend", "trie", "--json").json] == [0.8, 0.9]
    assert len(crucible("trend", "trie", "--limit", "1", "--json").json) == 1
    suites = crucible("trend", "--json").json
    assert [(row["suite"], row["cases"], row["passed"], row["best"]) for row in suites] == [
        ("hello.suite.yaml", 1, 1, 1.0),
        ("clamp.suite.yaml", 3, 2, 0.85),
        ("clamp.suite.yaml", 3, 2, 0.9),
    ]
    assert "toolgen · clamp.suite.yaml" in crucible("trend", "--lane", "toolgen").out


def test_lineage(crucible):
    lines = crucible("lineage", "trie").out.splitlines()
    assert lines[0].startswith("○ adam  ")
    assert lines[1].startswith("  ● trie  ")
    assert lines[1].endswith("0.900 ok  +0.050 ▲")
    assert [row["generation"] for row in crucible("lineage", "adam", "--json").json] == [0, 1]


def test_pareto(crucible):
    assert {row["subject"] for row in crucible("pareto", "--json").json} == {"hello", "trie"}
    everything = crucible("pareto", "--all", "--suite", "clamp").out.splitlines()
    assert [line.split()[0] == "*" for line in everything[1:3]] == [True, False]
    assert everything[3].startswith("hypervolume of ")
    epoch = crucible("pareto", "--json").json[0]["epoch"]
    assert len(crucible("pareto", "--epoch", epoch, "--json").json) == 2
    assert crucible("pareto", "--epoch", epoch + 1, "--json").json == []


@pytest.mark.parametrize("verb", ["top", "pareto", "trend"])
@pytest.mark.parametrize("filters", [("--suite", "nope"), ("--lane", "kernel"), ("--lane", "dsl", "--suite", "clamp")])
def test_filters_that_match_nothing_name_what_there_is(crucible, verb, filters):
    done = crucible(verb, *filters)
    assert done.status == 1
    assert "choose one of dsl · hello.suite.yaml, toolgen · clamp.suite.yaml" in done.err


def test_report(crucible, tmp_path):
    target = tmp_path / "out" / "r.html"
    assert crucible("report", "--report", target).out == f"{target}\n"
    assert make_run(2).run_id in target.read_text()
    assert crucible("report", "--out", target, "--run", "latest~1", "--json").json["bytes"] == target.stat().st_size
    assert make_run(1).run_id in target.read_text().split("</h1>")[0]
    assert crucible("report", "--report", tmp_path).status == 1


@pytest.mark.parametrize("verb", [["top"], ["show", "n"], ["trend", "n"], ["diff"], ["lineage", "n"], ["pareto"]])
def test_hostile_names_reach_no_terminal(crucible, path, verb):
    nasty = "\x1b[31mn\u202e\ud800"
    fill(path, [make_evaluation(nasty, case=nasty, suite=nasty, why=nasty, status="wrong", style=nasty)], start=5)
    fill(path, [make_evaluation(nasty, case=nasty, suite=nasty, why=nasty, score=0.95, style=nasty)], start=6)
    words = [word if word != "n" else "\x1b[31mn\u202e\\ud800" for word in verb]
    done = crucible(*words)
    assert done.status == 0
    assert "\x1b" not in done.out
    assert "\u202e" not in done.out


def test_pass_rates(crucible, path):
    done = crucible("top", "--pass-at", "1", "--pass-at", "2", "--suite", "clamp")
    assert done.status == 0
    [found] = crucible("top", "--pass-at", "1", "--pass-at", "2", "--suite", "clamp", "--json").json
    assert found == {
        "group": "", "suites": 1, "candidates": 3, "passed": 2,
        "pass@1": pytest.approx(2 / 3), "pass^1": pytest.approx(2 / 3), "pass@2": 1.0, "pass^2": pytest.approx(1 / 3),
    }  # fmt: skip
    assert "(no group)" in done.out
    assert "fewer than K candidates" in crucible("top", "--pass-at", "2").out  # the other suite has one
    assert crucible("top", "--pass-at", "0").status == 4
    assert crucible("top", "--pass-at", "1", "--suite", "nope").status == 1
