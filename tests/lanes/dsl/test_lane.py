"""Each step, check, expectation, success and invariant is a case, judged from runs that all cases share."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from harness.core.budget import Schedule
from harness.core.errors import SpecError, SuiteError
from harness.core.exhibit import inflate, unpack
from harness.core.policy import Policy
from harness.core.status import Status
from harness.dsl.analysis.load import load_source
from harness.dsl.tools import command, folder
from harness.hooks import Lane
from harness.lanes.dsl.lane import DslLane, crucible_lanes
from harness.lanes.dsl.program_budget import limits_at, tightest
from harness.sandbox.quota import Quota
from harness.suites.loader import collect_cases

ROOT = Path(__file__).parents[3]
SUITES = ROOT / "suites/dsl"
HELLO = (ROOT / "specs/programs/hello.spak").read_text()
QUESTION = "0b24cbc7f1df2278"
PYTEST = (sys.executable, "-m", "pytest")


def own(folder: Path, program: str, *extra: str) -> Path:
    (folder / "p.spak").write_text(program)
    path = folder / "p.suite.yaml"
    lines = ["lane: dsl", "program: p.spak", "attempts: 2", "budget: {time_ms: [20000, 10000]}"]
    path.write_text("\n".join([*lines, *extra]))
    return path


def test_the_lane_fits_the_protocol() -> None:
    assert isinstance(crucible_lanes()[0], Lane)


def test_hello_as_it_ships(judge_all) -> None:
    found = judge_all(DslLane(), SUITES / "hello.suite.yaml")
    names = ("write_file", "s1", "s2", "s3", "shell_says_hello", "greets", "success")
    assert list(found) == [f"hellospak::{name}" for name in names]
    assert all(e.passed for e in found.values()), {n: e.why for n, e in found.items()}
    facts = [e.evidence.facts for e in found.values()]
    assert len({f["head"] for f in facts}) == 1
    assert {f["resumed"] for f in facts} == {1}
    assert found["hellospak::s2"].case.nodeid == "suites/dsl/hello.suite.yaml::hellospak::s2"
    assert len({e.case.subject.digest for e in found.values()}) == len(names)
    parents = {e.case.subject.parents for e in found.values()}
    assert parents == {(found["hellospak::s1"].case.inputs["program"]["digest"],)}


def test_a_program_of_engineering_passes_as_it_ships(judge_all) -> None:
    found = judge_all(DslLane(), SUITES / "hypothesis.suite.yaml")
    assert {e.status for e in found.values()} == {Status.OK}, {n: e.why for n, e in found.items()}
    assert all(e.passed for e in found.values())


def test_titles_become_slugs_below_their_loop(judge_all) -> None:
    found = judge_all(DslLane(), SUITES / "fmha.suite.yaml", only="establish-baseline")
    (evaluation,) = found.values()
    assert evaluation.case.nodeid == "suites/dsl/fmha.suite.yaml::kernel_architect::establish-baseline"
    assert evaluation.case.title == "step Establish Baseline"


def test_knowledge_is_checked_and_prose_is_never_counted_as_passed(judge_all) -> None:
    found = judge_all(DslLane(), SUITES / "gpu_optimization.suite.yaml")
    assert {n: e.status.value for n, e in found.items()} == {
        "gpu_optimization": "ok", "invariants::onlinesoftmax": "skipped", "invariants::sharedmemory": "skipped",
    }  # fmt: skip
    assert found["gpu_optimization"].passed
    assert not found["invariants::onlinesoftmax"].passed


def test_without_an_answer_it_waits_and_nothing_after_is_claimed(tmp_path: Path, judge_all) -> None:
    found = judge_all(DslLane(), own(tmp_path, HELLO, "inputs: {name: World}"))
    assert {n.removeprefix("hellospak::"): e.status.value for n, e in found.items()} == {
        "write_file": "ok", "s1": "ok", "s2": "review", "s3": "skipped", "shell_says_hello": "skipped",
        "greets": "skipped", "success": "review",
    }  # fmt: skip
    assert all(e.neutral for e in list(found.values())[2:])
    assert found["hellospak::s2"].why == (
        f"HelloSPAK/s2/llm.query (line 23) waits: add an answer to question {QUESTION} to the file of the suite's "
        "`answers`; it asks 'The shell says: Hello from the shell, World\\nGreet World in one sentence.'"
    )
    assert found["hellospak::s3"].why == "not reached: HelloSPAK/s2/llm.query (line 23) waits for an answer"
    for part in ("s2", "s3", "success"):
        assert found[f"hellospak::{part}"].score.total is None
        values = {c.name: c.value for c in found[f"hellospak::{part}"].score.components}
        assert values == {"success": None, "determinism": 1.0}
    assert HELLO.splitlines()[22].startswith("    step s2: llm.query")
    for part in found.values():  # each shows the whole question, and when and from which line each step ran
        shown = {one.name: unpack(one.kind, inflate(one.stored)) for one in part.evidence.exhibits}
        assert shown["question 1"].text == "The shell says: Hello from the shell, World\nGreet World in one sentence."
        assert f"{QUESTION}; answer: text" in shown["question 1"].sentence
        timeline = shown["timeline"]
        assert (timeline.lanes[2], timeline.states[2]) == ("s2", "open")
        assert timeline.lines[2] == 23


def test_an_answer_to_other_words_is_not_used(tmp_path: Path, judge_all) -> None:
    program = HELLO.replace("in one sentence", "in two sentences")
    answers = ROOT / "specs/programs/hello.answers.json"
    found = judge_all(DslLane(), own(tmp_path, program, "inputs: {name: World}", f"answers: {answers}"), only="s2")
    assert found["hellospak::s2"].status is Status.REVIEW


def test_what_a_check_expects_and_what_it_saw_differ_only_where_the_values_do(tmp_path: Path, judge_all) -> None:
    program = HELLO.replace('equals: "Hello from the shell, ', 'equals: "Hello from the shell: ')
    answers = ROOT / "specs/programs/hello.answers.json"
    suite = own(tmp_path, program, "inputs: {name: World}", f"answers: {answers}")
    shown = judge_all(DslLane(), suite)["hellospak::shell_says_hello"].evidence.counterexample
    assert (shown.expected, shown.observed) == ("'Hello from the shell: World'", "'Hello from the shell, World'")


def test_a_wrong_answer_is_caught_by_the_check(tmp_path: Path, judge_all) -> None:
    answer = {"question": QUESTION, "answer": "Goodbye."}
    (tmp_path / "a.json").write_text(json.dumps({"answers": [answer]}))
    found = judge_all(DslLane(), own(tmp_path, HELLO, "inputs: {name: World}", "answers: a.json"))
    assert {n: e.status for n, e in found.items() if e.status is not Status.OK} == {
        "hellospak::greets": Status.WRONG, "hellospak::success": Status.WRONG,
    }  # fmt: skip
    wrong = found["hellospak::greets"]
    assert wrong.why == """expected contains "World", saw 'Goodbye.'"""
    assert wrong.evidence.counterexample.expected == 'contains "World"'  # with the value of the input
    assert wrong.evidence.counterexample.question.startswith('tool.read { path: "greeting.txt"')
    whole = found["hellospak::success"]
    assert whole.why == """passed("greets") is false: greets (line 40) wrong: saw 'Goodbye.\'"""
    shown = whole.evidence.counterexample
    assert (shown.question, shown.expected) == ('passed("greets")', "true")
    assert shown.observed == "false: greets (line 40) wrong: saw 'Goodbye.'"


def test_a_step_that_fails_stops_the_rest(tmp_path: Path, judge_all) -> None:
    program = (
        'task T {\n step a: tool.read { path: "no.txt" }\n step b: tool.read { path: "x" }\n'
        ' evaluation { check c: tool.read { path: "x" equals: "" } }\n success: passed("c")\n}'
    )
    found = judge_all(DslLane(), own(tmp_path, program))
    assert [e.status.value for e in found.values()] == ["wrong", "skipped", "skipped", "wrong"]
    assert found["t::b"].why.startswith("not reached: T/a/tool.read (line 2) failed: wrong: ")


@pytest.mark.parametrize("text", ["print(hash('x'))", "import time; print(time.time_ns())"])
def test_a_program_that_differs_each_time_is_flaky_unless_it_may(tmp_path: Path, judge_all, text: str) -> None:
    program = f'task T {{\n step w: tool.write {{ path: "p.py" content: "{text}" }}\n'
    program += ' step r: tool.run { cmd: "python p.py" }\n}'
    found = judge_all(DslLane(), own(tmp_path, program))
    assert found["t::r"].status is Status.FLAKY
    assert found["t::r"].why == "runs differ first at T/r/tool.run (line 3)"
    assert {c.name: c.value for c in found["t::r"].score.components} == {"success": 1.0, "determinism": 0.0}
    found = judge_all(DslLane(), own(tmp_path, program, "repeatable: false"))
    assert found["t::r"].status is Status.OK
    assert {c.name: c.value for c in found["t::r"].score.components} == {"success": 1.0, "determinism": 1.0}


def test_questions_of_parallel_branches_are_not_flaky(tmp_path: Path, judge_all) -> None:
    """Answers come one after the other, each to a new process; the replay takes them in the order of the log."""
    program = """task T { parallel {
      branch ask { step q: human.ask { prompt: "Go?" output_var: a } }
      branch other { step r: human.ask { prompt: "Who?" output_var: who } }
      branch work { step one: tool.run { cmd: "echo 1" output_var: b }
        step two: tool.run { cmd: "echo 2" output_var: c } } }
      success: a == "yes" c == "2" }"""
    waits = judge_all(DslLane(), own(tmp_path, program, "live: true"))
    asked = next(iter(waits.values())).evidence.facts["questions"]
    answers = [{"question": question["id"], "answer": "yes"} for question in reversed(asked)]
    (tmp_path / "a.json").write_text(json.dumps({"answers": answers}))
    suite = own(tmp_path, program, "live: true", "answers: a.json", "gates: {success: 1.0, determinism: 1.0}")
    found = judge_all(DslLane(), suite)
    assert len(asked) == 2
    assert {e.status for e in found.values()} == {Status.OK}, {n: e.why for n, e in found.items()}
    assert all(e.passed for e in found.values())


def test_a_broken_invariant_lowers_the_score_and_is_named(tmp_path: Path, judge_all) -> None:
    program = """
variant V { case C { x: float } }
invariant Small { assert: all(c.x < 2 for c in trace(V.C)) }
invariant Words { assert: "It is good." }
task T { step a { emit V.C { x: 1.0 } emit V.C { x: 3.0 } } }
"""
    found = judge_all(DslLane(), own(tmp_path, program))
    assert {n: e.status.value for n, e in found.items()} == {
        "t::a": "ok", "invariants::small": "wrong", "invariants::words": "skipped",
    }  # fmt: skip
    assert found["invariants::small"].why == "p.spak:3:1: invariant Small is broken"
    shown = found["invariants::small"].evidence.counterexample
    assert (shown.question[:28], shown.expected, shown.observed) == ("invariant Small { assert: al", "true", "false")
    assert {c.name: c.value for c in found["t::a"].score.components}["invariants"] == 0.0


def test_a_program_with_errors_is_one_wrong_case(tmp_path: Path, judge_all) -> None:
    found = judge_all(DslLane(), own(tmp_path, "task T {\n  step a tool.read { }\n}"))
    assert list(found) == ["p"]
    assert found["p"].status is Status.WRONG
    assert found["p"].why == "p.spak:2:10: E104 unexpected 'tool.read', expected ':' (`a: tool.read`)"


@pytest.mark.parametrize("kind", ["pipe", "link", "endless", "large", "socket"])
def test_what_is_no_plain_file_is_the_programs_fault(tmp_path: Path, judge_all, kind: str) -> None:
    suite = own(tmp_path, "")
    program = tmp_path / "p.spak"
    program.unlink()
    match kind:
        case "pipe":
            os.mkfifo(program)  # opening it would wait for a writer
        case "link":
            (tmp_path / "other.spak").write_text("task T { success: 1 == 1 }")
            program.symlink_to("other.spak")
        case "endless":
            program.symlink_to("/dev/zero")
        case "large":
            with program.open("wb") as file:
                file.truncate(1 << 40)
        case "socket":
            os.mknod(program, 0o600 | stat.S_IFSOCK)
    found = judge_all(DslLane(), suite)
    assert [e.status for e in found.values()] == [Status.WRONG]
    assert "E107 it " in found["p"].why, found["p"].why


def test_errors_of_a_program_are_wrong_not_infra(tmp_path: Path, judge_all) -> None:
    twice = 'task T {\n step a: tool.read { path: "{{x}}" }\n step a: tool.read { path: "y" }\n}'
    found = judge_all(DslLane(), own(tmp_path, twice))
    assert list(found) == ["p"]
    assert found["p"].why.startswith("p.spak:2:31: E201 unknown variable 'x'")
    assert found["p"].why.endswith("(and 1 more)")


@pytest.mark.parametrize(
    "text",
    [
        "{",
        '{"answers": [{"question": "q"}]}',
        '{"answers": [{"question": "q", "answer": "a"}, {"question": "q", "answer": "b"}]}',
    ],
)
def test_a_wrong_answers_file_is_an_error_of_the_suite(tmp_path: Path, suite_at, text: str) -> None:
    (tmp_path / "a.json").write_text(text)
    lane = DslLane()
    with pytest.raises(SpecError, match=r"a\.json"):
        lane.collect(suite_at(lane, own(tmp_path, 'task T { step a: tool.read { path: "x" } }', "answers: a.json")))


def test_a_run_that_is_not_live_is_simulated(tmp_path: Path, judge_all) -> None:
    program = 'task T {\n step a: tool.run { cmd: "python x.py" output_var: x }\n evaluation { check c: len(x) > 0 } }'
    found = judge_all(DslLane(), own(tmp_path, program, "live: false"))
    assert not any(e.passed for n, e in found.items() if n == "t::c")
    assert found["t::c"].status in (Status.SKIPPED, Status.WRONG)


def test_each_effect_happens_once_in_a_run_of_pytest(tmp_path: Path) -> None:
    """Whatever the number of processes: a granted program notes down every time that it runs."""
    noted = tmp_path / "noted"
    steps = "\n".join(f' step s{i}: tool.run {{ cmd: ["sh", "-c", "echo {i} >> {noted}"] }}' for i in range(6))
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    path = own(tmp_path, f"task T {{\n{steps}\n}}", "grants: [sh]")
    path.write_text(path.read_text().replace("attempts: 2", "attempts: 1"))
    ledger, report = str(tmp_path / "l.db"), str(tmp_path / "r.html")
    command = [*PYTEST, str(path), "-q", "-n", "2", "-p", "no:cacheprovider", "--ledger", ledger, "--report", report]
    run = subprocess.run(
        command,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert "6 passed" in run.stdout, run.stdout + run.stderr
    assert noted.read_text().split() == [str(i) for i in range(6)]


@pytest.mark.parametrize(
    ("program", "rest", "said"),
    [
        ("", "", "the program holds nothing to judge"),
        ("const X = 1\n", "", "the program holds nothing to judge"),
        (HELLO, "", "the program's input 'name' is missing"),
        (HELLO, "inputs: {name: W}\ngates: {succes: 1.0}", "no component 'succes' to gate; did you mean 'success'"),
        (HELLO, "inputs: {name: W}\nentry: HelloSpac", "unknown task or loop 'HelloSpac'; did you mean 'HelloSPAK'"),
        (HELLO, "inputs: {name: W, nmae: x}", "no input 'nmae'"),
        (HELLO, "inputs: {name: 7}", "the program's input name: 7 is not string"),
    ],
)
def test_a_suite_from_which_nothing_could_come_is_an_error(
    tmp_path: Path, suite_at, program, rest: str, said: str
) -> None:
    (tmp_path / "p.spak").write_text(program)
    suite = tmp_path / "a.suite.yaml"
    suite.write_text(f"lane: dsl\nprogram: p.spak\n{rest}\n")
    lane = DslLane()
    with pytest.raises(SuiteError, match=re.escape(said)) as caught:
        collect_cases(suite_at(lane, suite), lane)
    assert "a.suite.yaml:" in str(caught.value)


def test_a_suite_gives_its_program_files(tmp_path: Path, judge_all) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/x.txt").write_text("7")
    program = 'task T { step a: tool.read { path: "data/x.txt" output_var: x } success: x == "7" }'
    found = judge_all(DslLane(), own(tmp_path, program, "files: [data]"))
    assert {e.status for e in found.values()} == {Status.OK}, {n: e.why for n, e in found.items()}


@pytest.mark.parametrize(
    "program",
    [
        "task T { wait for 100000000s success: true }",
        "task T { budget { wall: 10000000s } wait for 100000000s success: true }",
        "task T { let n = 0 repeat 100000000 until 1 == 2 { n = n + 1 } success: true }",
        """task T {
            step w: tool.write { path: "m.py" content: "import time; time.sleep(1000)" }
            step r: tool.run { cmd: "python m.py" timeout: 999999s }
            success: true
        }""",
    ],
)
def test_a_program_that_never_ends_is_its_own_fault(tmp_path: Path, judge_all, program: str) -> None:
    suite = own(tmp_path, program, "wall_seconds: 1")
    suite.write_text(suite.read_text().replace("attempts: 2", "attempts: 1"))
    found = judge_all(DslLane(), suite)
    assert found["t::success"].status is Status.TIMEOUT, found["t::success"].why
    assert all(not one.passed for name, one in found.items() if name != "t::w")


STEPS = """agent_loop T {{ {budget} let i = 0 repeat 9 {{ step s {{ i = i + 1 }} }} success: i == 9 }}"""


@pytest.mark.parametrize(
    ("budget", "tightest", "share", "component"),
    [
        ("", "", None, None),
        ("budget { steps: 90 }", "steps", 0.1, 1.0),
        ("budget { steps: 10 }", "steps", 0.9, 0.2),
        ("budget { steps: 9 iterations: 100 wall: 1h }", "steps", 1.0, 0.0),
        ("budget { iterations: 12 steps: 90 }", "iterations", 0.75, 0.5),
    ],
)
def test_steps_and_iterations_and_wall_time_count_as_budget(
    tmp_path: Path, judge_all, budget: str, tightest: str, share: float | None, component: float | None
) -> None:
    found = judge_all(DslLane(), own(tmp_path, STEPS.format(budget=budget)), only="success")["t::success"]
    assert found.status is Status.OK, found.why
    facts = found.evidence.facts
    assert (facts["tightest"], facts["budget"]) == (tightest, share if share is None else pytest.approx(share))
    values = {c.name: c.value for c in found.score.components}
    assert values.get("budget") == (component if component is None else pytest.approx(component))


def test_step_and_wall_budgets_anneal_and_others_do_not() -> None:
    program = load_source(STEPS.format(budget="budget { steps: 10 iterations: 20 wall: 60s queries: 4 }"), cache=False)
    schedule = Schedule(time_ms=(1000, 500))
    found = [limits_at(Policy(schedule=schedule, epoch=epoch), program) for epoch in (0, 40)]
    assert found == [
        {"steps": 10, "wall_s": 60, "iterations": 20, "queries": 4},
        {"steps": 5, "wall_s": 30, "iterations": 20, "queries": 4},
    ]
    assert tightest(found[0], {"steps": 1, "wall_s": 45}) == ("wall_s", 0.75)
    assert tightest(found[1], {"steps": 1, "wall_s": 45}) == ("wall_s", 1.0)
    assert tightest({}, {"steps": 1}) is None


DISK = """task T {
    step a: tool.write { path: "same.txt" content: "%s" }
    step b: tool.write { path: "b.txt" content: "%s" }
    step c: tool.run { cmd: "sh -c 'cat same.txt b.txt > c.txt; sleep 300'" }
    success: 1 == 1
}"""


@pytest.mark.parametrize(("quota", "step"), [(900, "a"), (1500, "b"), (2500, "c")])
def test_a_step_that_takes_too_much_disk_is_output(tmp_path, judge_all, monkeypatch, quota, step) -> None:
    for module in (folder, command):
        monkeypatch.setattr(module, "QUOTA", Quota(quota, 2000))
    found = judge_all(DslLane(), own(tmp_path, DISK % ("x" * 1000, "y" * 1000), "grants: [sh]"))
    statuses = {name.removeprefix("t::"): one.status for name, one in found.items()}
    assert statuses[step] is Status.OUTPUT, {n: (e.status, e.why) for n, e in found.items()}
    assert not any(statuses[one] is Status.OUTPUT for one in statuses if one != step)
    assert not any(one.status is Status.INFRA for one in found.values())
