"""JudgingAhead: items take evaluations that judge processes made, in one process and under xdist."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from harness.core.errors import InfraError
from harness.core.evaluation import Evaluation
from harness.core.policy import Policy
from harness.core.resources import start_thread
from harness.judge import judge_process, judges
from harness.judge.judges import Judges
from harness.lane.context import Context
from harness.lanes.toolgen.collect import case_for
from harness.lanes.toolgen.lane import Toolgen
from harness.lanes.toolgen.tool_spec import read_tool
from harness.session import judging_ahead
from harness.session.judging_ahead import AHEAD, MIN_CASES, JudgingAhead, JudgingClient, cases_for_judges
from harness.timing.lock import notices_to
from tests.judge.conftest import GOOD, ORACLE, WRONG, write_tool

SUITE = "lane: toolgen\ntool: tool\ncandidates: candidates/*.py\ntiming: none\njitter_ms: [0, 0]\nattempts: 1\n"
COUNT = MIN_CASES + 4


def write_project(root: Path, *, oracle: str = ORACLE, wrong: tuple[int, ...] = ()) -> None:
    (root / "tool").mkdir()
    write_tool(root / "tool", oracle)
    (root / "candidates").mkdir()
    for number in range(COUNT):
        source = WRONG if number in wrong else GOOD
        (root / "candidates" / f"c{number:02}.py").write_text(f"{source}# {number}\n")
    (root / "double.suite.yaml").write_text(SUITE)


def rows(root: Path) -> dict[str, str]:
    with sqlite3.connect(root / "reports" / "ledger.db") as ledger:
        return dict(ledger.execute("select nodeid, status from evaluations"))


@pytest.fixture
def ahead(tmp_path):
    write_project(tmp_path)
    tool = read_tool(tmp_path / "tool")
    policy = Policy(attempts=1, timing="none")
    paths = sorted((tmp_path / "candidates").iterdir())
    made = [case_for(tool, path, suite="a\nb é/s", policy=policy, jitter_ms=(0, 0)) for path in paths]
    context = Context(secret_seed=7, scratch=tmp_path / "scratch")
    judging = JudgingAhead(
        {case.nodeid: case for case in made}, Judges([Toolgen()], count=1, context=context), ahead=AHEAD
    )
    yield judging
    judging.close()


def test_evaluations_are_taken_in_any_order_and_again(ahead):
    ids = list(ahead._cases)
    for nodeid in (*reversed(ids), ids[0]):
        assert nodeid in ahead
        found = Evaluation.model_validate_json(ahead.take(nodeid))
        assert (found.case.nodeid, found.status.value) == (nodeid, "ok")


def test_two_judges_share_one_tool_at_most(tmp_path, monkeypatch):
    """Each process starts the oracle of each tool that it is given, so a tool is given to one while others wait."""
    given = []
    real, submit_all = Judges._next, Judges.submit_all

    def follow(self, judge):
        job = real(self, judge)
        given.extend([] if job is None else [(self._judges.index(judge), job.tool)])
        return job

    def submit_and_wait(self, cases):
        """As where the threads of the judges run at once: what was submitted is given before the next is."""
        futures = submit_all(self, cases)
        while not all(judge.worker for judge in self._judges[: self._started]):
            time.sleep(0.001)
        return futures

    monkeypatch.setattr(Judges, "_next", follow)
    monkeypatch.setattr(Judges, "submit_all", submit_and_wait)
    policy = Policy(attempts=1, timing="none")
    made = []
    for tool in ("a", "b", "c"):
        folder = tmp_path / tool
        folder.mkdir()
        write_project(folder)
        for path in sorted((folder / "candidates").iterdir())[:8]:
            made.append(case_for(read_tool(folder / "tool"), path, suite=tool, policy=policy, jitter_ms=(0, 0)))
    context = Context(secret_seed=7, scratch=tmp_path / "scratch")
    judging = JudgingAhead(
        {case.nodeid: case for case in made}, Judges([Toolgen()], count=2, context=context), ahead=2 * AHEAD
    )
    try:
        for case in made:
            assert Evaluation.model_validate_json(judging.take(case.nodeid)).evidence.status.value == "ok"
    finally:
        judging.close()
    first = given[: len(made)]
    assert {number for number, _ in first} == {0, 1}
    assert len({*first}) <= 4, first


def test_a_judge_that_waits_tells_the_user_through_its_owner(ahead):
    answers, owner = os.pipe()
    said = []
    try:
        for number in range(2):
            judge_process._Judge(ahead._judges, {}, 1, owner).tell(f"it waits, {number}")
        notices_to(said.append)  # a judge sends its own to its owner
        os.close(owner)
        ahead._judges._read(judges._Judge(), SimpleNamespace(answers=answers))
    finally:
        notices_to()
        os.close(answers)
    assert said == ["it waits, 0", "it waits, 1"]


def test_a_worker_takes_them_through_the_socket(ahead, tmp_path):
    with pytest.raises(OSError, match="No such file"):
        JudgingClient(tmp_path)
    ahead.listen(tmp_path)
    clients = [JudgingClient(tmp_path) for _ in range(2)]
    for number, nodeid in enumerate(ahead._cases):
        found = Evaluation.model_validate_json(clients[number % 2].take(nodeid))
        assert found.case.nodeid == nodeid
    ahead.close()
    with pytest.raises(InfraError, match="closed"):
        clients[0].take(nodeid)
    for client in clients:
        client.close()


def test_a_worker_that_no_thread_can_serve_has_an_answer(ahead, tmp_path, monkeypatch):
    def start(work, *arguments, name):
        if work == ahead._serve:
            raise InfraError("no thread can be started: out of memory", fix="raise the limit")
        return start_thread(work, *arguments, name=name)

    monkeypatch.setattr(judging_ahead, "start_thread", start)
    ahead.listen(tmp_path)
    for _ in range(2):
        client = JudgingClient(tmp_path)
        with pytest.raises(InfraError, match="no thread can be started: out of memory\n  fix: raise the limit"):
            client.take(next(iter(ahead._cases)))
        with pytest.raises(InfraError, match="no thread can be started"):
            client.take(next(iter(ahead._cases)))
        client.close()


def test_a_case_that_memory_has_no_room_for_is_answered_and_the_next_one_is_judged(ahead, tmp_path, monkeypatch):
    first, second, *_ = ahead._cases
    take = ahead.take

    def refuse(nodeid: str) -> str:
        if nodeid == first:
            raise MemoryError
        return take(nodeid)

    monkeypatch.setattr(ahead, "take", refuse)
    ahead.listen(tmp_path)
    client = JudgingClient(tmp_path)
    with pytest.raises(InfraError, match="out of memory"):
        client.take(first)
    assert Evaluation.model_validate_json(client.take(second)).status.value == "ok"
    client.close()


def test_few_cases_timed_ones_and_lanes_of_a_conftest_are_judged_by_their_items(ahead):
    cases = dict(ahead._cases)
    lanes = {"toolgen": Toolgen()}
    assert cases_for_judges(cases, lanes) == cases
    assert cases_for_judges(dict(list(cases.items())[: MIN_CASES - 1]), lanes) == {}
    timed = {nodeid: case.model_copy(update={"policy": Policy(timing="exact")}) for nodeid, case in cases.items()}
    assert cases_for_judges(timed, lanes) == {}
    foreign = type("Mine", (Toolgen,), {"__module__": "conftest"})
    assert cases_for_judges(cases, {"toolgen": foreign()}) == {}


def test_cases_are_judged_before_an_item_asks(ahead):
    ahead.begin()
    first, *_, last = ahead._cases
    assert Evaluation.model_validate_json(ahead._found[last].result(60)).case.nodeid == last
    found = ahead._found[first]
    assert ahead.take(first) == found.result()
    ahead.close()
    ahead.begin()  # too late, which is an item's to report


EXACT = SUITE.replace("timing: none", "timing: exact").replace("candidates/*", "candidates/c00*")
OTHERS = {
    "alone": ({}, 1),
    "next to a test": ({"test_plain.py": "def test_plain(): pass"}, 0),
    "next to a timed case": ({"exact.suite.yaml": EXACT}, 0),
}


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("workers", [[], ["-n", "1"]], ids=["serial", "xdist"])
def test_a_run_judges_from_its_start_where_nothing_is_measured(pytester, monkeypatch, workers, name):
    files, expected = OTHERS[name]
    write_project(pytester.path)
    for path, text in files.items():
        (pytester.path / path).write_text(text)
    begun = []
    monkeypatch.setattr(JudgingAhead, "begin", lambda _self: begun.append(1))
    result = pytester.runpytest_inprocess("double.suite.yaml", *files, "--confirm", "0", *workers)
    result.assert_outcomes(passed=COUNT + len(files))
    assert len(begun) == expected


@pytest.mark.parametrize("workers", [[], ["-n", "2"]], ids=["serial", "xdist"])
class TestRuns:
    def test_each_case_has_its_row(self, pytester, workers):
        write_project(pytester.path, wrong=(3,))
        result = pytester.runpytest_subprocess("double.suite.yaml", "--confirm", "0", *workers)
        result.assert_outcomes(passed=COUNT - 1, failed=1)
        found = rows(pytester.path)
        assert len(found) == COUNT
        assert [name for name, status in found.items() if status == "wrong"] == ["double.suite.yaml::c03"]

    def test_an_endless_oracle_is_infra_with_a_row(self, pytester, workers, monkeypatch):
        endless = ORACLE.replace("return 2 * n", "return sum(__import__('itertools').count())")
        write_project(pytester.path, oracle=endless)
        (pytester.path / "limits").mkdir()
        (pytester.path / "limits" / "sitecustomize.py").write_text(
            "import harness.lanes.toolgen.oracle as oracle\noracle.TRUSTED_SECONDS = 1\n"
        )
        monkeypatch.setenv("PYTHONPATH", f"{pytester.path / 'limits'}:{Path(__file__).parents[2]}")
        result = pytester.runpytest_subprocess("double.suite.yaml", *workers)
        assert result.ret == pytest.ExitCode.TESTS_FAILED
        assert set(rows(pytester.path).values()) == {"infra"}
        result.stdout.fnmatch_lines(["*the oracle's reference did not return within 1 s*"])


def test_items_judge_where_no_socket_can_be_made(pytester, monkeypatch):
    write_project(pytester.path)
    deep = pytester.path / ("d" * 90)
    deep.mkdir()
    monkeypatch.setenv("TMPDIR", str(deep))
    result = pytester.runpytest_subprocess("double.suite.yaml", "--confirm", "0", "-n", "2")
    result.assert_outcomes(passed=COUNT)
    assert len(rows(pytester.path)) == COUNT


@pytest.mark.parametrize("workers", [[], ["-n", "2"]], ids=["serial", "xdist"])
def test_an_interrupted_run_keeps_its_rows_and_leaves_no_process(pytester, workers):
    write_project(pytester.path)
    slow = "import time\n\n\ndef double(n: int) -> int:\n    time.sleep(0.03)\n    return 2 * n\n"
    for number in range(80):  # they would take half a minute
        (pytester.path / "candidates" / f"d{number:02}.py").write_text(f"{slow}# {number}\n")
    command = [sys.executable, "-u", "-m", "pytest", "double.suite.yaml", "--confirm", "0", "-v", *workers]
    run = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)
    seen, started = "", set()
    for line in run.stdout:
        seen += line
        if "c01" in line and "PASSED" in line:
            break
    started = descendants(run.pid)
    run.send_signal(signal.SIGINT)
    seen += run.communicate(timeout=60)[0]
    assert run.returncode == pytest.ExitCode.INTERRUPTED, seen
    assert set(rows(pytester.path).values()) == {"ok"}
    assert len(rows(pytester.path)) < COUNT + 80
    until = time.monotonic() + 20
    while (left := [pid for pid in started if Path(f"/proc/{pid}").exists()]) and time.monotonic() < until:
        time.sleep(0.05)
    assert left == []


def descendants(pid: int) -> set[int]:
    found, waiting = set(), [pid]
    while waiting:
        lists = Path(f"/proc/{waiting.pop()}/task").glob("*/children")
        children = {int(word) for path in lists for word in path.read_text().split()}
        waiting += children - found
        found |= children
    return found


WRONG_ONES = (1, 3, 4, 5, 6, 7, 8, 9, 10)
SELECTIONS = {
    "-k": (["-k", "c0"], range(10)),
    "-k, few": (["-k", "c00 or c02"], (0, 2)),
    "--lf": (["--lf"], WRONG_ONES),
    "--limit": (["--limit", "9"], range(9)),
    "node ids": ([f"double.suite.yaml::c{number:02}" for number in range(2, 11)], range(2, 11)),
    "a node id": (["double.suite.yaml::c03"], (3,)),
    "-x": (["-x", "-k", "c0"], range(2)),
}


@pytest.mark.parametrize("name", SELECTIONS)
def test_only_what_is_selected_is_judged(pytester, monkeypatch, name):
    arguments, numbers = SELECTIONS[name]
    expected = [f"c{number:02}" for number in numbers]
    paths = ["double.suite.yaml"] if "double" not in arguments[0] else []
    write_project(pytester.path, wrong=WRONG_ONES)
    if name == "--lf":
        pytester.runpytest_inprocess(*paths, "--confirm", "0")
    submitted = []
    real = Judges.submit_all
    monkeypatch.setattr(
        Judges, "submit_all", lambda self, cases: submitted.extend(case.name for case in cases) or real(self, cases)
    )
    pytester.runpytest_inprocess(*paths, *arguments, "--confirm", "0", "--fresh")
    with sqlite3.connect(pytester.path / "reports" / "ledger.db") as ledger:
        ids = ledger.execute("select nodeid from evaluations where run_id = (select max(run_id) from runs)").fetchall()
    assert sorted(nodeid.partition("::")[2] for (nodeid,) in ids) == expected
    if name == "-x":  # those after the first failure may have been judged ahead, but no others
        expected = [f"c{number:02}" for number in range(10)]
    assert sorted(submitted) == (expected if len(expected) >= MIN_CASES else [])
