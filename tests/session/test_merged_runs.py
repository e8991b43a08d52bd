"""Shards that are merged are one run: the same evidence, verdict and gates as of the run without shards."""

from __future__ import annotations

import contextlib
import json
import re
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.cli import main
from harness.cli.second_run import run_again
from harness.core.errors import UsageError
from harness.core.gate import GateResult
from harness.core.status import RunStatus
from harness.gates.row import row
from harness.ledger import partition, queries
from harness.ledger.merge import merge
from harness.ledger.partition import assemble
from harness.ledger.prune import prune
from harness.ledger.run_gates import Problem, run_gates, run_problems, write_columns, write_run_gates
from harness.ledger.store import Ledger
from harness.report.page import gather
from harness.report.run_verdict import run_verdict
from harness.session.merged_runs import merge_partitions
from harness.session.run_gates import check_gates, evaluate_gates
from tests.conftest import WORDS
from tests.ledger.factory import fill, make_evaluation, make_run

GATES = (
    "mean(score) >= 0.5",
    "regressions == 0",
    'delta(score, "latest") >= 0',
    'suite("one*").min("correctness") >= 0.2',
    'count(status == "wrong") <= 1',
    "pass_at(1) >= 0.5 and max(median_ms) < 9",
    'max("length") <= 3',
)
SCORES = st.floats(0, 1).map(lambda one: round(one, 3))


@st.composite
def cases(draw):
    """Evaluations of a run, and some of the same cases in an earlier one."""
    count = draw(st.integers(1, 7))
    found = []
    for _ in range(2):
        found.append(
            [
                make_evaluation(
                    f"c{number}",
                    score=draw(SCORES),
                    status=draw(st.sampled_from(["ok", "ok", "ok", "wrong", "skipped", "infra", "review"])),
                    suite=f"{('one', 'two')[number % 2]}.suite.yaml",
                    expect="wrong" if number == 3 else None,
                    median_ms=draw(st.none() | st.floats(0.1, 10)),
                )
                for number in range(count)
            ]
        )
    return found[0], found[1][: draw(st.integers(0, count))]


def columns_of(evaluations):
    return {one.case.nodeid: {"length": float(len(one.case.name) + one.case.name.count("5"))} for one in evaluations}


def record(ledger, run, evaluations, status=RunStatus.FINISHED):
    ledger.begin(run)
    for evaluation in evaluations:
        ledger.record(evaluation, run_id=run.run_id)
    ledger.flush()
    write_columns(ledger, run.run_id, columns_of(evaluations))
    ledger.finish(run.run_id, status)


def without(rows, *names):
    return [{name: value for name, value in one.items() if name not in names} for one in rows]


def said(ledger, run_id):
    """What report, verbs and gates say of a run, without its id and the moments of recording."""
    verdict, page = run_verdict(ledger, run_id), gather(ledger, run_id)
    rows = queries.evaluations(ledger, run_id)
    names = [one["nodeid"] for one in rows]
    return {
        "rows": without(rows, "run_id", "created_at"),
        "components": {
            k: without(v, "run_id") for k, v in queries.details(ledger, run_id, "components", names).items()
        },
        "records": queries.records(ledger, run_id, names),
        "verdict": (verdict.word, verdict.facts(), verdict.faults, verdict.unjudged),
        "gates": without(run_gates(ledger, run_id), "run_id"),
        "problems": run_problems(ledger, run_id),
        "deltas": queries.deltas(ledger, run_id),
        "board": without(queries.leaderboard(ledger), "run_id"),
        "suites": [(suite.name, suite.change, suite.trend, suite.failing) for suite in page.suites],
        "changes": (page.changes.against, page.changes.broken),
        "recent": len(page.recent),
    }


@settings(max_examples=8, deadline=None)
@given(
    found=cases(),
    gates=st.lists(st.sampled_from(GATES), unique=True, max_size=3).map(tuple),
    places=st.lists(st.integers(1, 3), min_size=7, max_size=7),
    order=st.lists(st.integers(0, 3), max_size=4).flatmap(lambda extra: st.permutations([0, 1, 2, 3, *extra])),
    at_once=st.booleans(),
    stopped=st.integers(0, 6),
)
def test_a_merged_partition_is_the_run_without_shards(found, gates, places, order, at_once, stopped):
    """Parts and the earlier run are merged in any order, some twice, at once or one by one."""
    now, before = found
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fill(folder / "0.db", before) if before else Ledger.open(folder / "0.db").close()
        whole, status = make_run(9, selected=len(now)), RunStatus.ABORTED if stopped == 1 else RunStatus.FINISHED
        with Ledger.open(folder / "whole.db") as ledger:
            merge(ledger, folder / "0.db")
            try:
                named = check_gates(gates, [], ledger)
            except UsageError:  # there is no earlier run
                named = {}
            record(ledger, whole, now, status)
            rows = [columns_of([one])[one.case.nodeid] | row(one, whole) for one in now]
            results = list(evaluate_gates(gates, rows, ledger=ledger, run_id=whole.run_id, named=named))
            if results:
                write_run_gates(ledger, whole.run_id, results)
            expected = said(ledger, whole.run_id)
        for part in (1, 2, 3):
            mine = [one for one, place in zip(now, places, strict=False) if place == part]
            run = make_run(3 * part, shard=f"{part}/3 abc", gates=gates, selected=len(mine))
            with Ledger.open(folder / f"{part}.db") as ledger:
                record(ledger, run, mine, status if part == stopped else RunStatus.FINISHED)
        with Ledger.open(folder / "merged.db") as ledger:
            for source in order:
                merge(ledger, folder / f"{source}.db")
                if not at_once:
                    merge_partitions(ledger)
            [run_id] = merge_partitions(ledger)
            assert queries.run(ledger)["run_id"] == run_id
            result = said(ledger, run_id)
        if not before:  # where a gate names a run that does not exist, pytest refuses to begin
            for one in (expected, result):
                one["gates"] = [gate for gate in one["gates"] if "latest" not in gate["expression"]]
                one["verdict"] = None if any("latest" in gate for gate in gates) else one["verdict"]
        assert result == expected
        with Ledger.open(folder / "again.db") as ledger:  # a merged ledger is a source like any other
            merge(ledger, folder / "merged.db")
            [again] = merge_partitions(ledger)
            assert again == run_id
            assert ledger.rows("SELECT * FROM runs ORDER BY run_id") == Ledger.read(folder / "merged.db").rows(
                "SELECT * FROM runs ORDER BY run_id"
            )


def part_of(folder, number, total=2, *, minute=None, evaluations=None, status=RunStatus.FINISHED, **more):
    path = folder / f"{number}-{minute}.db"
    run = make_run(minute or number, shard=f"{number}/{total} abc", **({"selected": 1} | more))
    with Ledger.open(path) as ledger:
        record(ledger, run, [make_evaluation(f"case{number}")] if evaluations is None else evaluations, status)
    return path


def merged(folder, *sources):
    """The latest run of a ledger with these sources, as `crucible show` tells it, and the exit status of that."""
    with Ledger.open(folder / "all.db") as ledger:
        for source in sources:
            merge(ledger, source)
        merge_partitions(ledger)
        run = queries.run(ledger)
        return run, run_verdict(ledger, run["run_id"]), main(["show", "--run", "latest", "--ledger", str(ledger.path)])


@settings(max_examples=8, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.booleans()), min_size=4, max_size=4))
def test_ledgers_are_merged_in_any_order_and_grouping(steps):
    """Two by two, into a new ledger or one of the two, also a part that was run again, one that was confirmed later."""

    def contents(path):
        with Ledger.open(path) as ledger:
            merge_partitions(ledger)
            tables = {
                "runs": "*",
                "evaluations": "run_id, nodeid, score, attempts, created_at",
                "run_problems": "*",
                "run_gates": "*",
                "leaderboard": "*",
            }
            return [ledger.rows(f"SELECT {columns} FROM {table} ORDER BY 1, 2, 3") for table, columns in tables.items()]

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        gates = {"gates": ("mean(score) >= 0.5", "count() == 2")}
        left = [part_of(folder, 1, 2, **gates), part_of(folder, 2, 2, **gates)]
        again = [make_evaluation("case1", score=0.4, attempts=3)]
        left.append(part_of(folder, 1, 2, minute=5, evaluations=again, **gates))
        with Ledger.open(folder / "late.db") as ledger:
            run = make_run(7, shard="2/2 abc", selected=1, **gates)
            ledger.begin(run)
            ledger.record(make_evaluation("case2", attempts=2), run_id=run.run_id)
            ledger.flush()
            with Ledger.open(folder / "early.db") as early:
                merge(early, folder / "late.db")
            ledger.record(make_evaluation("case2", attempts=16), run_id=run.run_id)
            ledger.finish(run.run_id)
        left += [folder / "early.db", folder / "late.db"]
        with Ledger.open(folder / "flat.db") as ledger:
            for source in left:
                merge(ledger, source)
        expected = contents(folder / "flat.db")
        for number, (one, other, is_new) in enumerate(steps):
            first, second = left.pop(one % len(left)), left.pop(other % len(left))
            into = folder / f"{number}.db" if is_new else first
            with Ledger.open(into) as ledger:
                for source in {first, second} - {into}:
                    merge(ledger, source)
                merge_partitions(ledger)
            left.append(into)
        assert len(left) == 1
        assert contents(left[0]) == expected


def test_an_incomplete_partition_names_what_is_missing_and_is_not_good(tmp_path, capsys):
    run, verdict, status = merged(tmp_path, part_of(tmp_path, 2, 13))
    assert (run["cases"], verdict.word, status) == (1, "NOT GOOD", 1)
    assert "parts 1, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 2 more of 13 are missing" in capsys.readouterr().out
    run, verdict, status = merged(tmp_path, *(part_of(tmp_path, number, 13) for number in range(3, 14)))
    assert [fault.why for fault in verdict.faults] == ["part 1 of 13 is missing"]
    run, verdict, status = merged(tmp_path, part_of(tmp_path, 1, 13))
    assert (run["cases"], verdict.word, status) == (13, "GOOD", 0)


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ({"epoch": 3}, "part 1 was run with epoch 0, not 3; give all parts the same --epoch"),
        ({"git_commit": "abc"}, "part 1 was run at commit none, not abc"),
    ],
)
def test_parts_that_were_judged_on_something_else_are_named(tmp_path, other, why):
    _, verdict, _ = merged(tmp_path, part_of(tmp_path, 1), part_of(tmp_path, 2, **other))
    assert [fault.why for fault in verdict.faults] == [f"part 1 of 2 is missing: {why}"]


def test_parts_with_seeds_of_their_own_are_not_one_run(tmp_path):
    with Ledger.open(tmp_path / "2.db") as ledger:
        record(ledger, make_run(2, shard="2/2 abc").replace(secret_seed=8), [make_evaluation("b")])
    _, verdict, _ = merged(tmp_path, part_of(tmp_path, 1), tmp_path / "2.db")
    assert verdict.faults[0].why == (
        "part 1 of 2 is missing: part 1 was run with secret seed 7, not 8; give all parts the same --secret-seed"
    )


def test_different_judging_code_is_not_good(tmp_path):
    parts = [part_of(tmp_path, number, versions={"engine:toolgen": f"v{number}"}) for number in (1, 2)]
    run, verdict, _ = merged(tmp_path, *parts)
    assert verdict.faults[0].why.startswith("parts 1 and 2 were judged by different code of the lane toolgen")
    assert "engine:toolgen" not in json.loads(run["versions"])


def test_a_part_that_was_run_again_counts_once_with_its_latest_run(tmp_path):
    bad = [make_evaluation("case1", status="infra", score=None, gate=None)]
    first, second, again = part_of(tmp_path, 1, evaluations=bad), part_of(tmp_path, 2), part_of(tmp_path, 1, minute=5)
    assert merged(tmp_path, first, second)[1].word == "NOT GOOD"
    run, verdict, _ = merged(tmp_path, again)
    assert (verdict.word, run["cases"], run["parts"]) == ("GOOD", 2, 2)
    with Ledger.open(tmp_path / "all.db") as ledger:
        assert [one["run_id"] for one in queries.runs(ledger)] == [run["run_id"]]
        assert [one["run_id"] for one in queries.trend(ledger, "case1")] == [run["run_id"]]


def test_the_duration_of_the_whole_is_that_of_its_longest_part(tmp_path):
    paths = [part_of(tmp_path, n, minute=minute) for n, minute in ((1, None), (2, None), (1, 5))]
    for path, seconds in zip(paths, (900, 90, 30), strict=True):  # the first one was superseded
        with Ledger.open(path) as ledger, ledger.writing() as connection:
            connection.execute("UPDATE runs SET finished_at = datetime(started_at, ? || ' seconds')", (seconds,))
            connection.execute("UPDATE runs SET finished_at = replace(finished_at, ' ', 'T') || '+00:00'")
    run, _, _ = merged(tmp_path, *paths)
    with Ledger.open(tmp_path / "all.db") as ledger:
        assert gather(ledger, run["run_id"]).seconds == 90
        assert gather(ledger, make_run(5).run_id).seconds == 30


def test_a_merge_that_is_killed_before_it_evaluated_the_gates_is_not_good_until_the_next_one(tmp_path):
    gates = {"gates": ("mean(score) > 1",)}
    with Ledger.open(tmp_path / "all.db") as ledger:
        for number in (1, 2):
            merge(ledger, part_of(tmp_path, number, **gates))
        assemble(ledger)  # and no more
        run = queries.run(ledger)
        assert (run["status"], run_verdict(ledger, run["run_id"]).word) == ("running", "RUNNING")
        assert merge_partitions(ledger) == [run["run_id"]]
        assert run_verdict(ledger, run["run_id"]).word == "NOT GOOD"


def test_merges_into_one_ledger_at_the_same_time(tmp_path, monkeypatch):
    """As jobs that end at the same time do: the run of the whole is made by one after the other."""
    both, read = threading.Barrier(2), partition.partitions

    def together(ledger):
        found = read(ledger)
        with contextlib.suppress(threading.BrokenBarrierError):  # the other one waits for the lock
            both.wait(1.0)
        return found

    def work():
        with Ledger.open(path) as ledger:
            return merge_partitions(ledger)

    path = tmp_path / "all.db"
    with Ledger.open(path) as ledger:
        for number in (1, 2):
            merge(ledger, part_of(tmp_path, number, 3))
    monkeypatch.setattr(partition, "partitions", together)
    with ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(work) for _ in range(2)]
        assert jobs[0].result() == jobs[1].result()
    run, verdict, _ = merged(tmp_path)
    assert (run["cases"], run["parts"], verdict.word) == (2, 2, "NOT GOOD")


def test_parts_of_different_machines_are_a_class_of_their_own_and_all_on_the_board(tmp_path):
    run, verdict, _ = merged(
        tmp_path, *(part_of(tmp_path, n, machine=f"box {3 - n}", tier=t) for n, t in ((1, "B"), (2, "C")))
    )
    assert (run["machine"], run["tier"], verdict.word) == ("box 1 and box 2", "C", "GOOD")
    with Ledger.open(tmp_path / "all.db") as ledger:
        assert {one["subject"] for one in queries.leaderboard(ledger)} == {"case1", "case2"}
        assert queries.left_out(ledger) == []


def test_the_command_of_the_whole_is_that_of_a_part_without_its_shard(tmp_path):
    command = "pytest suites/ --shard 1/2 --ledger=a.db --attempts 3 --crucible-ledger b.db --report=1.html"
    run, _, _ = merged(tmp_path, part_of(tmp_path, 1, command=command), part_of(tmp_path, 2))
    assert run["command"] == "pytest suites/ --attempts 3"


def test_a_part_that_still_runs_and_one_that_was_interrupted(tmp_path):
    with Ledger.open(tmp_path / "1.db") as ledger:
        ledger.begin(make_run(1, shard="1/2 abc", selected=3))
        ledger.record(make_evaluation("a"), run_id=make_run(1).run_id)
        ledger.flush()
        run, verdict, status = merged(tmp_path, tmp_path / "1.db", part_of(tmp_path, 2))
        assert (run["status"], verdict.word, status) == ("running", "RUNNING", 1)
        ledger.finish(make_run(1).run_id, RunStatus.ABORTED)
        run, verdict, status = merged(tmp_path, tmp_path / "1.db")
    assert (run["status"], status) == ("aborted", 1)
    assert verdict.facts()[0] == "the run was interrupted: 2 of 4 cases were judged; what was judged is in the ledger"


def test_problems_and_gates_of_plugins_come_along(tmp_path):
    parts = [part_of(tmp_path, number) for number in (1, 2)]
    for number, path in enumerate(parts, 1):
        with Ledger.open(path) as ledger:
            gate = GateResult(name="cover", observed=0.5, threshold=1.0, passed=number == 1, why="half")
            problems = [Problem("b.suite.yaml is wrong", "b.suite.yaml"), Problem("no room")][: 3 - number]
            write_run_gates(ledger, queries.run(ledger)["run_id"], [gate], problems)
    run, _, _ = merged(tmp_path, *parts)
    with Ledger.open(tmp_path / "all.db") as ledger:
        assert [one.why for one in run_problems(ledger, run["run_id"])] == ["b.suite.yaml is wrong", "part 1: no room"]
        gates = [(one["expression"], one["passed"], one["why"]) for one in run_gates(ledger, run["run_id"])]
        assert gates == [("cover", 1, "part 1: half"), ("cover", 0, "part 2: half")]


def test_a_later_run_is_compared_with_the_whole_and_pruning_takes_its_parts_along(tmp_path):
    run, _, _ = merged(tmp_path, part_of(tmp_path, 1), part_of(tmp_path, 2))
    [later] = fill(tmp_path / "all.db", [make_evaluation("case1"), make_evaluation("case2", status="wrong")], start=9)
    with Ledger.open(tmp_path / "all.db") as ledger:
        assert queries.comparable_runs(ledger, later) == [run["run_id"]]
        assert {delta["run_id"] for delta in queries.deltas(ledger, later).values()} == {run["run_id"]}
        gone = prune(ledger, keep=1)
        assert (len(gone), run["run_id"] in gone) == (3, True)
        assert [one["run_id"] for one in ledger.rows("SELECT run_id FROM runs")] == [later]


def test_runs_that_a_part_does_not_know_how_to_read_are_missing(tmp_path):
    path = part_of(tmp_path, 1)
    with Ledger.open(path) as ledger, ledger.writing() as connection:
        connection.execute("UPDATE runs SET record = json_set(record, '$.shard', '7/2 abc')")
    run, verdict, _ = merged(tmp_path, path)
    assert (run["run_id"], verdict.word) == (make_run(1).run_id, "GOOD")


def test_a_second_run_of_a_part_or_of_the_whole_is_neither(tmp_path):
    run, _, _ = merged(tmp_path, part_of(tmp_path, 1), part_of(tmp_path, 2))
    with Ledger.open(tmp_path / "all.db") as ledger:
        for run_id in (run["run_id"], make_run(1).run_id):
            again = run_again(ledger, run_id)
            assert (again.shard, again.parts, again.selected) == ("", (), None)
            record(ledger, again, [make_evaluation("case1")])
        merge_partitions(ledger)
        assert [one["parts"] for one in queries.runs(ledger)] == [0, 0, 2]


def test_github_shows_the_whole(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    bad = [make_evaluation("case1", status="wrong", score=0.1)]
    gates = {"gates": ("mean(score) >= 0.9",)}
    parts = [part_of(tmp_path, 1, evaluations=bad, **gates), part_of(tmp_path, 2, **gates)]
    assert main(["merge", *map(str, parts), "--ledger", str(tmp_path / "all.db")]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("::")]
    assert len(lines) == 1  # the case was annotated by its shard
    assert lines[0].startswith("::error title=gate mean(score) >= 0.9::mean(score) is 0.5, but needed >= 0.9")
    summary = (tmp_path / "summary.md").read_text("utf-8")
    assert "**NOT GOOD**: 1 of 1 gate fails · 1 of 2 candidates fails" in summary
    assert "case1" in summary


class TestShardsOfPytest:
    def shards(self, project, total, *options):
        for part in range(1, total + 1):
            more = ("--secret-seed", "7", "--ledger", f"{part}.db", "--report", f"{part}.html")
            yield project.run("--shard", f"{part}/{total}", *more, *options).ret

    def merge(self, project, total, *options):
        names = [str(project.path / f"{part}.db") for part in range(1, total + 1)]
        return main(["merge", *names, *options, "--ledger", str(project.path / "all.db")])

    def show(self, project):
        return main(["show", "--run", "latest", "--ledger", str(project.path / "all.db")])

    def test_a_case_that_fails_in_any_shard_fails_the_whole(self, project, capsys):
        """With more shards than cases: those without a case write their run, too."""
        project.suite("a", good="ok", bad="wrong", other="ok")
        assert sorted(self.shards(project, 5)) == [0, 0, 0, 0, 1]
        assert self.merge(project, 5) == 0
        capsys.readouterr()
        assert self.show(project) == 1
        assert "1 of 3 candidates fails" in capsys.readouterr().out
        page = project.path / "all.html"
        assert main(["report", "--ledger", str(project.path / "all.db"), "--report", str(page)]) == 0
        assert "Not good: 1 of 3 candidates fails" in re.sub("<.*?>", "", page.read_text("utf-8"))

    def test_gates_are_of_the_whole(self, project, capsys):
        """No shard has two candidates, so that a gate of one shard alone would fail."""
        project.suite("a", one="ok", two="ok", three="ok")
        gates = ("--gate", "count(passed) == 3", "--gate", "count(passed) < 3")
        results = list(self.shards(project, 3, *gates))
        assert results == [0, 0, 0]
        assert self.merge(project, 3) == 0
        assert self.show(project) == 1
        lines = capsys.readouterr().out.splitlines()
        assert any("FAILS" in line and "count(passed)" in line for line in lines)
        assert any("passes" in line and "is 3, as needed == 3" in line for line in lines)

    def test_gates_of_plugins_are_of_the_whole_too(self, project, capsys):
        """No shard has three candidates. Without the plugin the whole is not good, and says how to evaluate them."""
        gate = "Gate(name='all', threshold=3).evaluate(len(rows)), Gate(name='sum', threshold=1).evaluate(whole(rows))"
        project.put(
            "conftest.py",
            WORDS + "\nfrom harness.core.gate import Gate\n"
            "def whole(rows):\n    return sum(row['score'] for row in rows)\n"
            f"@hookimpl\ndef crucible_gates(rows):\n    return [{gate}]\n",
        )
        project.suite("a", one="ok", two="ok", three="ok")
        assert project.run("--secret-seed", "7", "--ledger", "whole.db").ret == 0
        assert list(self.shards(project, 3)) == [0, 0, 0]
        assert self.merge(project, 3) == 0
        assert self.show(project) == 1
        assert "(crucible_gates) were not evaluated: conftest is not loaded; merge again" in capsys.readouterr().out
        for _ in range(2):
            assert self.merge(project, 3, "--plugin", str(project.path / "conftest.py")) == 0
            assert self.show(project) == 0
            rows = "SELECT expression, observed, threshold, passed, why FROM run_gates"
            assert project.rows(rows, ledger="all.db") == project.rows(rows, ledger="whole.db")
            assert len(project.rows(rows, ledger="all.db")) == 2

    @pytest.mark.parametrize("extra", [(), ("-n1",)], ids=["serial", "-n1"])
    def test_a_shard_without_cases_writes_its_run(self, project, extra, capsys):
        project.suite("a", only="ok")
        assert list(self.shards(project, 3, *extra)) == [0, 0, 0]
        counts = [project.rows("SELECT count(*) FROM evaluations", ledger=f"{part}.db")[0][0] for part in (1, 2, 3)]
        assert sorted(counts) == [0, 0, 1]
        assert self.merge(project, 3) == 0
        assert self.show(project) == 0
        empty = project.path / f"{counts.index(0) + 1}.html"
        assert "this shard holds none of the selected cases" in empty.read_text("utf-8")

    def test_without_a_case_in_any_shard_the_whole_is_not_good(self, project, capsys):
        project.suite("a", only="ok")
        assert list(self.shards(project, 2, "-k", "nothing")) == [0, 0]
        self.merge(project, 2)
        assert self.show(project) == 1
        assert "no case was judged" in capsys.readouterr().out

    def test_a_wrong_suite_fails_the_whole(self, project, capsys):
        project.suite("a", only="ok")
        project.put("b.suite.yaml", "lane: nothing\n")
        assert set(self.shards(project, 3)) == {1}
        self.merge(project, 3)
        capsys.readouterr()
        assert self.show(project) == 1
        assert capsys.readouterr().out.count("problem    wrong suite: b.suite.yaml:1:") == 1
