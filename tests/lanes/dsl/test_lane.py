"""Each step, check and success of a program is a case, judged from runs that must agree."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.core.errors import SpecError, SuiteError
from harness.core.status import Status
from harness.hooks import Lane
from harness.lanes.dsl.lane import DslLane, crucible_lanes

ROOT = Path(__file__).parents[3]
SUITE = ROOT / "suites/dsl/hello.suite.yaml"
NAMES = [f"hello::{n}" for n in ("write_file", "s1", "s2", "s3", "shell_says_hello", "greets", "success")]


def own(folder: Path, program: str, *extra: str) -> Path:
    (folder / "p.spak").write_text(program)
    path = folder / "p.suite.yaml"
    path.write_text("\n".join(["lane: dsl", "program: p.spak", "attempts: 2", *extra]))
    return path


def test_the_house_accepts_the_lane() -> None:
    assert isinstance(crucible_lanes()[0], Lane)


def test_hello_as_it_ships(judge_all) -> None:
    found = judge_all(DslLane(), SUITE)
    assert list(found) == NAMES
    assert all(e.passed for e in found.values()), {n: e.why for n, e in found.items()}
    facts = [e.evidence.facts for e in found.values()]
    assert len({f["head"] for f in facts}) == 1  # seven items, fourteen runs, one log
    assert {f["resumed"] for f in facts} == {1}
    assert found["hello::s2"].case.nodeid == "suites/dsl/hello.suite.yaml::hello::s2"
    assert len({e.case.subject.digest for e in found.values()}) == len(NAMES)
    assert {e.case.subject.parents for e in found.values()} == {(found["hello::s1"].case.inputs["program"]["digest"],)}


def test_without_an_answer_it_waits_and_nothing_after_is_claimed(tmp_path: Path, judge_all) -> None:
    program = (ROOT / "specs/programs/hello.spak").read_text()
    found = judge_all(DslLane(), own(tmp_path, program, "inputs: {name: World}"))
    assert {n.removeprefix("p::"): e.status.value for n, e in found.items()} == {
        "write_file": "ok", "s1": "ok", "s2": "review", "s3": "skipped", "shell_says_hello": "skipped",
        "greets": "skipped", "success": "review",
    }  # fmt: skip
    assert all(e.neutral for e in list(found.values())[2:])
    assert found["p::s2"].why == "step s2 (line 21) waits for an answer to question f36c5c1b680f180e"
    for part in ("s2", "s3", "success"):
        assert found[f"p::{part}"].score.total is None
        assert {c.name: c.value for c in found[f"p::{part}"].score.components} == {"success": None, "determinism": 1.0}


def test_an_answer_to_other_words_is_not_used(tmp_path: Path, judge_all) -> None:
    program = (ROOT / "specs/programs/hello.spak").read_text().replace("in one sentence", "in two sentences")
    answers = ROOT / "specs/programs/hello.answers.json"
    found = judge_all(DslLane(), own(tmp_path, program, "inputs: {name: World}", f"answers: {answers}"))
    assert found["p::s2"].status is Status.REVIEW


def test_a_wrong_answer_is_caught_by_the_check(tmp_path: Path, judge_all) -> None:
    program = (ROOT / "specs/programs/hello.spak").read_text()
    answer = {"question": "f36c5c1b680f180e", "answer": "Goodbye."}
    (tmp_path / "a.json").write_text(json.dumps({"answers": [answer]}))
    found = judge_all(DslLane(), own(tmp_path, program, "inputs: {name: World}", "answers: a.json"))
    assert {n: e.status for n, e in found.items() if e.status is not Status.OK} == {
        "p::greets": Status.WRONG, "p::success": Status.WRONG,
    }  # fmt: skip
    assert found["p::greets"].evidence.counterexample.expected == "World"
    assert found["p::success"].why == "passed('greets') does not hold"


def test_a_step_that_fails_stops_the_rest(tmp_path: Path, judge_all) -> None:
    found = judge_all(
        DslLane(),
        own(
            tmp_path,
            'task T {\n step a: tool.read { path: "no.txt" }\n step b: tool.read { path: "x" }\n'
            ' evaluation { check c: tool.read { path: "x" equals: "" } }\n success: passed("c")\n}',
        ),
    )
    assert [e.status.value for e in found.values()] == ["wrong", "skipped", "skipped", "wrong"]
    assert found["p::b"].why == "not reached: step a (line 2) failed: cannot read no.txt: No such file or directory"


@pytest.mark.parametrize("text", ["print(hash('x'))", "import time; print(time.time_ns())"])
def test_a_program_that_differs_each_time_is_flaky(tmp_path: Path, judge_all, text: str) -> None:
    program = f'task T {{\n step w: tool.write {{ path: "p.py" content: "{text}" }}\n'
    found = judge_all(DslLane(), own(tmp_path, program + ' step r: tool.run { cmd: "python p.py" }\n}'))
    assert found["p::r"].status is Status.FLAKY
    assert found["p::r"].why == "runs differ first at r (line 3)"
    assert {c.name: c.value for c in found["p::r"].score.components} == {"success": 1.0, "determinism": 0.0}


def test_a_program_that_is_none_is_its_own_fault(tmp_path: Path, judge_all) -> None:
    found = judge_all(DslLane(), own(tmp_path, "task T {\n  step a tool.read { }\n}"))
    assert list(found) == ["p"]
    assert found["p"].status is Status.WRONG
    assert found["p"].why == "p.spak:2:10: unexpected 'tool', expected ':'"


def test_problems_of_a_program_are_its_own_fault(tmp_path: Path, judge_all) -> None:
    twice = 'task T {\n step a: tool.read { path: "{{x}}" }\n step a: tool.read { path: "y" }\n}'
    found = judge_all(DslLane(), own(tmp_path, twice))
    assert list(found) == ["p::a"]
    assert found["p::a"].why == "p.spak:2:28: no variable 'x' by then (and 1 more)"


@pytest.mark.parametrize(
    "text",
    [
        "{",
        '{"answers": [{"question": "q"}]}',
        '{"answers": [{"question": "q", "answer": "a"}, {"question": "q", "answer": "b"}]}',
    ],
)
def test_a_wrong_answers_file_is_ours(tmp_path: Path, suite_at, text: str) -> None:
    (tmp_path / "a.json").write_text(text)
    lane = DslLane()
    with pytest.raises(SpecError, match=r"a\.json"):
        lane.collect(suite_at(lane, own(tmp_path, 'task T { step a: tool.read { path: "x" } }', "answers: a.json")))


def test_live_is_refused_rather_than_ignored(tmp_path: Path, suite_at) -> None:
    lane = DslLane()
    with pytest.raises(SuiteError, match="no live model"):
        lane.collect(suite_at(lane, own(tmp_path, 'task T { step a: tool.read { path: "x" } }', "live: true")))


def test_nothing_is_left_behind(judge_all, context) -> None:
    judge_all(DslLane(), SUITE, only="s1")
    assert list(context.scratch.iterdir()) == []
