"""Budgets and deadlines bind what runs outside: tools, questions, retries; several questions are asked together."""

from __future__ import annotations

import math
import threading
import time
from pathlib import Path

import pytest

from harness.dsl.analysis.load import load_source
from harness.dsl.machine.inbox import Inbox
from harness.dsl.machine.replay import replay
from harness.dsl.machine.session import Session
from harness.dsl.machine.settings import RunSettings
from harness.providers.question import Question, Reply
from tests.script_provider import ScriptProvider

ENDLESS = 'tool.run { cmd: ["python3", "-c", "import time; open(\'begun\', \'w\'); time.sleep(600)"] %s output_var: x }'
WALL = "budget { wall: 1.5s }"


class Slow:
    """Answers after a while, several questions at the same time."""

    name = "slow"
    answers_several = True

    def __init__(self, seconds: float, *, together: int = 1) -> None:
        self._seconds, self._limits = seconds, []
        self._barrier = threading.Barrier(together)

    def answer(self, question: Question) -> Reply | None:
        self._limits.append(question.timeout_s)
        self._barrier.wait(self._seconds)
        if self._barrier.parties == 1:
            time.sleep(self._seconds)
        return Reply(text=question.prompt, provider=self.name)


@pytest.mark.parametrize("grants", [("python3",), ()])
@pytest.mark.parametrize("inner", [False, True])
def test_the_wall_time_ends_a_running_tool(start, tmp_path, grants, inner) -> None:
    own, sub = ("", WALL) if inner else (WALL, "")
    text = f"task T {{ {own} run Sub }} task Sub {{ {sub} step s: {ENDLESS % ''} }}"
    program = load_source(text, entry="T", cache=False)
    session = start(program, settings={"grants": grants})
    outcome = session.run()
    assert (outcome.status, outcome.why) == ("budget", f"{'Sub' if inner else 'T'}: budget of 1.5 wall_s reached")
    assert replay(program, session.log).divergence is None
    session.grant("wall_s", 100)
    outcome = session.run()
    assert outcome.status == "in_doubt", "it began and was ended"
    session.resolve(outcome.in_doubt[0], "done", "x")
    assert session.run().passed
    assert replay(program, session.log).divergence is None


def test_a_wall_time_in_a_branch_ends_the_tools_of_all_branches(start) -> None:
    text = f"""task T {{ {WALL} parallel {{ branch a {{ step s: {ENDLESS % "semantics: pure"} }}
      branch b {{ step t: tool.write {{ path: "f" content: "1" }} step u: tool.now {{ output_var: y }} }} }} }}"""
    session = start(text, settings={"grants": ("python3",)})
    assert session.run().status == "budget"
    assert next(e.value["at"] for e in session.log.events() if e.value["k"] == "result").endswith("t/leave")
    assert replay(session.program, session.log).divergence is None


def test_the_wall_time_ends_a_question_and_a_grant_asks_it_again(tmp_path) -> None:
    text = f'task T {{ {WALL} step ask: llm.query {{ prompt: "Hello?" output_var: said }} success: said == "Hello?" }}'
    program = load_source(text, cache=False)
    with Session.start(program, tmp_path / "run", provider=Slow(30)) as session:
        assert session.run().status == "budget"
    with Session.resume(tmp_path / "run", provider=Slow(0.01)) as session:
        session.grant("wall_s", 60)
        assert session.run().passed
        assert [e.value["k"] for e in session.log.events()].count("asked") == 1
        assert replay(program, session.log).divergence is None


def test_wall_time_bounds_the_wait_between_two_tries(start) -> None:
    text = f'task T {{ {WALL} step s: tool.read {{ path: "no" retry: {{attempts: 3, backoff: 1h}} output_var: x }} }}'
    session = start(text)
    waits: list[float] = []
    session.machine.settings.sleep = lambda seconds: (waits.append(seconds), time.sleep(seconds))
    assert session.run().status == "budget"
    assert max(waits) <= 1.5


@pytest.mark.parametrize(
    ("stated", "who", "setting", "expected"),
    [
        ("timeout: 3s", "llm.query", 7.0, 3.0),
        ("", "llm.query", 7.0, 7.0),
        ("", "human.ask", 7.0, None),
        ("timeout: 9s", "human.ask", 7.0, 9.0),
        ("timeout: 1h", "llm.query", 7.0, 3600.0),
    ],
)
def test_a_question_has_a_limit(tmp_path, stated, who, setting, expected) -> None:
    program = load_source(f'agent_loop T {{ step s: {who} {{ prompt: "?" {stated} output_var: x }} }}', cache=False)
    slow = Slow(0.0)
    with Session.start(
        program, tmp_path / "run", settings=RunSettings(query_seconds=setting), provider=slow
    ) as session:
        assert session.run().status == "ok"
    assert slow._limits == [expected]


@pytest.mark.parametrize(("retries", "tries"), [("", 1), ("retries: 0", 1), ("retries: 2", 3)])
def test_a_failed_question_is_tried_again_as_often_as_it_says(start, retries, tries) -> None:
    text = f'agent_loop T {{ step s: llm.query {{ prompt: "?" answer: int {retries} output_var: x }} }}'
    session = start(text, answers=["no"] * 5)
    assert session.run().status == "failed"
    assert [e.value["k"] for e in session.log.events()].count("asked") == tries


def test_questions_of_branches_are_asked_at_the_same_time_and_recorded_in_source_order(tmp_path: Path) -> None:
    asks = "".join(f'branch b{n} {{ step q{n}: llm.query {{ prompt: "{n}" output_var: v{n} }} }} ' for n in range(3))
    program = load_source(f"agent_loop T {{ parallel {{ {asks} }} }}", cache=False)
    heads = set()
    for number in range(2):
        settings = RunSettings(concurrency=3)
        with Session.start(
            program, tmp_path / f"run{number}", settings=settings, provider=Slow(30, together=3)
        ) as session:
            outcome = session.run()  # the provider answers none unless all three wait for it
            assert outcome.status == "ok"
            heads.add(outcome.head)
            answered = [e.value["value"] for e in session.log.events() if e.value["k"] == "answered"]
            assert answered == ["0", "1", "2"]
    assert len(heads) == 1


def test_no_more_questions_wait_than_the_concurrency(tmp_path: Path) -> None:
    most, now, lock = [0], [0], threading.Lock()

    class Counting(Slow):
        def answer(self, question: Question) -> Reply | None:
            with lock:
                now[0] += 1
                most[0] = max(most[0], now[0])
            time.sleep(0.05)
            with lock:
                now[0] -= 1
            return Reply(text="x", provider=self.name)

    asks = "".join(f'branch b{n} {{ step q{n}: llm.query {{ prompt: "{n}" output_var: v{n} }} }} ' for n in range(6))
    program = load_source(f"agent_loop T {{ parallel {{ {asks} }} }}", cache=False)
    for number, several in enumerate((True, False)):
        most[0] = 0
        provider = Counting(0)
        provider.answers_several = several
        settings = RunSettings(concurrency=2)
        with Session.start(program, tmp_path / f"run{number}", settings=settings, provider=provider) as session:
            assert session.run().status == "ok"
        assert most[0] == (2 if several else 1)


def test_without_a_limit_the_wall_time_is_endless(start) -> None:
    session = start("agent_loop T { let x = 1 }")
    assert session.machine._receiver.wall_left(session.machine.state.root) == math.inf


def test_questions_count_for_every_unit_that_asks_them(start) -> None:
    """A budget counts what its own unit asks, below it too, and not what was asked before."""
    text = """agent_loop T { step a: llm.query { prompt: "1" output_var: x } run Sub run Sub
      success: x == "x" }
    agent_loop Sub { budget { queries: 1 } run Deep step late: llm.query { prompt: "3" output_var: z } }
    agent_loop Deep { step b: llm.query { prompt: "2" output_var: y } }"""
    session = start(load_source(text, entry="T", cache=False), answers=["x"] * 9)
    outcome = session.run()
    assert (outcome.status, outcome.used["queries"]) == ("budget", 2)
    assert outcome.why.startswith("Sub: budget of 1 queries")
    assert replay(session.program, session.log).divergence is None


def test_what_has_begun_is_performed_before_a_budget_stops_the_run(start, tmp_path) -> None:
    """A question without a budget in one branch leaves no effect of another branch in doubt, and none unanswered."""
    write = "open('n', 'a').write('x')"
    text = f'''task T {{ budget {{ queries: 1 }} parallel {{
        branch a {{ step a: tool.run {{ cmd: ["python", "-c", "{write}"] }} }}
        branch b {{ step b: llm.query {{ prompt: "1" output_var: x }} }}
        branch c {{ step c: llm.query {{ prompt: "2" output_var: y }} }} }} }}'''
    session = start(text, answers=["one", "two"])
    outcome = session.run()
    status = {step.name: (step.status, step.why) for step in outcome.steps}
    assert (outcome.status, status["c"]) == ("budget", ("budget", "the budget stopped it"))
    assert (status["a"][0], status["b"][0]) == ("ok", "ok")
    session.close()
    with Session.resume(tmp_path / "run", provider=ScriptProvider(in_order=["two"])) as again:
        again.grant("queries", 5)
        assert again.run().status == "ok"
        assert replay(again.program, again.log).divergence is None
        assert (again.place / "work" / "n").read_text() == "x"


def test_a_message_that_uses_up_a_budget_leaves_no_effect_in_doubt(start, tmp_path) -> None:
    """It arrives between the beginning of another branch's effect and its result; the effect happens once."""
    add = "open('n', 'a').write('x')"
    text = f"""service_loop Loop {{ budget {{ events: 2 }} on go(n: int) {{ let m = n }} }}
        task T {{ parallel {{
            branch l {{ emit go {{ n: 1 }} run Loop }}
            branch r {{ step a: tool.run {{ cmd: ["python", "-c", "{add}"] }} }} }} }}"""
    session = start(text, settings={"limits": {"events": 1}, "events": "inbox"})
    Inbox(tmp_path / "run").send(b'{"event": "go", "n": 2}')
    assert session.run().status == "budget"
    session.machine._receiver.begun.clear()  # as in the process that resumes the run
    assert not session.machine.in_doubt
    session.close()
    with Session.resume(tmp_path / "run") as again:
        again.grant("events", 100)
        assert again.run().status == "ok"
        assert replay(again.program, again.log).divergence is None
        assert (again.place / "work" / "n").read_text() == "x"


@pytest.mark.parametrize(("budget", "which"), [("steps: 3", "steps"), ("iterations: 9", "iterations")])
def test_branches_share_the_steps_and_iterations_of_their_unit(start, budget: str, which: str) -> None:
    text = """task T { budget { %s } parallel {
        branch l { let i = 0 repeat 15 { step a { i = i + 1 } } }
        branch r { parallel {
            branch x { let j = 0 repeat 15 { step b { j = j + 1 } } } branch y { let k = 1 } } } } }"""
    session = start(text % budget)
    outcome = session.run()
    assert (outcome.status, outcome.why) == ("budget", f"T: budget of {budget.split()[1]} {which} reached")
    assert sum(step.times for step in outcome.steps) < 20
    assert replay(session.program, session.log).divergence is None
    session.grant(which, 1000)
    assert session.run().status == "ok"
    assert replay(session.program, session.log).divergence is None
