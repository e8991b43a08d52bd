"""The cost of ordinary questions counts: being fast on the workloads alone is not enough, nor is the reverse."""

from __future__ import annotations

import math
import subprocess
import sys
import time

import pytest

from harness.core.policy import Policy, Timing
from harness.core.status import Status
from harness.lanes.toolgen import question_cost
from harness.lanes.toolgen.collect import case_for
from harness.lanes.toolgen.lane import Toolgen
from harness.lanes.toolgen.outcome import Outcome
from harness.lanes.toolgen.performance import NullCall, Profile, upper_seconds
from harness.lanes.toolgen.questions import Question, Questions
from harness.lanes.toolgen.reply import Reply
from harness.lanes.toolgen.tool_spec import read_tool
from harness.lanes.toolgen.waiting import Waiting
from harness.lanes.toolgen.workload_timing import is_slow_somewhere, slow_call
from harness.sandbox import loop as event_loop
from harness.sandbox.awaited_box import ask
from harness.sandbox.loop import drive, pause
from harness.timing import stopwatch
from harness.timing.benchmark import Loop
from harness.timing.lock import FairLock
from harness.timing.stopwatch import Stopwatch
from tests.attacks import corpus

SLOW = corpus.HERE / "candidates" / "f02_slow_elsewhere.py"
BURNING = """
    import time

    def run(text):
        end = time.thread_time() + {seconds}
        while {when} and time.thread_time() < end:
            pass
        return "\\n".join(dict.fromkeys(text.split("\\n")))
"""


@pytest.fixture
def performance(bench, context):
    """Judge a candidate of the attacked tool; its performance, and the evidence."""

    def judged(source, *, timing=Timing.CPU, tool=corpus.HERE / "spec"):
        path = source if not isinstance(source, str) else bench.candidate(source)
        policy = Policy(attempts=2, timing=timing, epoch=40)  # factor 1.5: a loaded machine changes nothing
        case = case_for(read_tool(tool), path, suite="x", policy=policy, questions=8, jitter_ms=(0, 0))
        evidence = Toolgen().evaluate(case, context)
        assert evidence.status is Status.OK, evidence.why
        score = Toolgen().score(evidence, policy)
        return next(one.value for one in score.components if one.name == "performance"), evidence

    return judged


def test_slow_where_it_is_not_timed_loses_performance(performance):
    slow, evidence = performance(SLOW)
    assert evidence.facts["ordinary"]["clock"] in ("cpu", "wall")
    assert min(evidence.facts["ordinary"]["candidate_us"]) > 2000
    assert slow < 0.65
    honest, evidence = performance(BURNING.format(seconds=0.003, when="False"))
    assert honest > slow
    assert len(evidence.facts["ordinary"]["candidate_us"]) == len(evidence.facts["ordinary"]["reference_us"]) > 8


def test_slow_in_the_workloads_alone_loses_performance(performance):
    slow, evidence = performance(BURNING.format(seconds=0.05, when="len(text) > 1000"))
    assert slow < 0.75
    assert min(row["candidate_s"] for row in evidence.facts["profile"]["rows"]) > 0.04


def test_exact_timing_sees_waiting_too(performance, context, tmp_path, monkeypatch):
    monkeypatch.setattr(stopwatch, "verdict", lambda *_args, **_about: "")
    context.timer = Stopwatch(Loop(thorough=False), lock=FairLock(folder=tmp_path / "locks"))
    slow, evidence = performance(
        "import time\n\ndef run(text):\n"
        "    if len(text) < 400:\n        time.sleep(0.01)\n"
        '    return "\\n".join(dict.fromkeys(text.split("\\n")))\n',
        timing=Timing.EXACT,
    )
    assert evidence.facts["ordinary"]["clock"] == "wall"
    assert slow < 0.65


SLEEPING = """
    import time
    sleep = time.sleep
    time.sleep = time.perf_counter = time.time = time.monotonic = lambda *_: 0.0

    def run(text):
        if {when}:
            sleep(0.02)
        return "\\n".join(dict.fromkeys(text.split("\\n")))
"""


def test_a_candidate_that_sleeps_is_charged_for_its_wall_time(performance):
    slow, evidence = performance(SLEEPING.format(when="True"))
    assert evidence.facts["ordinary"]["waits_us"] > 15_000
    assert min(evidence.facts["ordinary"]["candidate_us"]) > 15_000
    assert slow < 0.6
    honest, evidence = performance(SLEEPING.format(when="False"))
    assert "waits_us" not in evidence.facts["ordinary"]
    assert honest > slow
    on_workloads, evidence = performance(SLEEPING.format(when="len(text) > 1000"))
    assert min(row["wait_s"] for row in evidence.facts["profile"]["rows"]) > 0.015
    assert honest > on_workloads


def test_a_reference_that_sleeps_allows_it(bench, performance):
    bench.tool(
        """
        tool_id: run
        signature: "def run(text: str) -> str"
        constraints: {forbidden_apis: []}
        """,
        """
        import time
        from hypothesis import strategies as st
        def reference(text):
            time.sleep(0.02)
            return "\\n".join(dict.fromkeys(text.split("\\n")))
        def inputs(): return st.text("ab\\n", max_size=20).map(lambda text: {"text": text})
        """,
    )
    waiting, evidence = performance(SLEEPING.format(when="True"), tool=bench.folder)
    assert evidence.facts["ordinary"]["waits_us"] > 15_000
    assert waiting > 0.9


def test_a_candidate_that_sleeps_at_random_is_charged_too(performance):
    slow, evidence = performance(SLEEPING.format(when="hash(text) % 3 == 0"))
    assert evidence.facts["ordinary"]["waits_us"] > 0
    assert slow < 0.9


def test_a_wait_is_the_mean_over_the_attempts_and_counts_for_a_box_that_gave_up_its_core():
    first, second = Outcome(0, 1, 1), Outcome(1, 2, 2)
    first.costs = second.costs = {0: 0.001, 1: 0.001}
    first.idle, second.idle = {0: 0.03, 1: 0.5}, {0: 0.02, 1: 0.03}
    null = NullCall(0.01, 0.0)
    found = question_cost.ordinary_costs(questions(0.001, 0.001), [first, second], null)
    assert found == {"clock": "cpu", "candidate_us": [1000.0, 1000.0], "reference_us": [1000.0, 1000.0]}
    second.waits = True
    found = question_cost.ordinary_costs(questions(0.001, 0.001), [first, second], null)
    assert found is not None
    assert (found["candidate_us"], found["waits_us"]) == ([6_000.0, 11_000.0], 7_500.0)


@pytest.mark.parametrize(
    ("body", "is_on_purpose"),
    [
        ("return text", False),
        ("time.sleep(0.002); return text", True),
        ("return text * 200_000", False),
        ("time.sleep(0.002); return text * 200_000", True),
        ("import json, decimal, statistics; return text", False),
    ],
)
@pytest.mark.parametrize("neighbours", [0, 4])
def test_a_box_gives_up_its_core_on_purpose(context, body, is_on_purpose, neighbours):
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(neighbours)]
    try:
        with context.boxes.open(f"import time\ndef run(text):\n    {body}\n".encode(), entry="run") as box:
            waiting = Waiting(box.pid)
            for number in range(24):
                answer = drive(ask(context.boxes, box, b'{"text":"a"}', due=200_000))
                waiting.note(number, b'{"text":"a"}', answer)
            assert waiting.is_on_purpose(box.pid) is is_on_purpose
    finally:
        for process in busy:
            process.kill()
            process.wait()


def test_a_busy_judge_makes_no_candidate_wait(context):
    box = context.boxes.open(b"def run(text):\n    return text\n", entry="run")
    waiting, loop, done = Waiting(box.pid), event_loop.Loop(), []

    async def asks() -> None:
        for number in range(24):
            waiting.note(number, b"", await ask(context.boxes, box, b'{"text":"a"}'))

    async def busy() -> None:
        while len(done) < 1:
            time.sleep(0.003)  # the thread is busy: answers that arrive meanwhile are read late
            await pause(0.0)

    loop.spawn(asks(), done.append)
    loop.spawn(busy(), done.append)
    while loop.live:
        loop.turn(math.inf)
    assert not waiting.is_on_purpose(box.pid)
    box.close()


def questions(*seconds: float | None) -> Questions:
    shared = tuple(
        Question("drawn", str(number).encode(), Reply("value", b"1"), one) for number, one in enumerate(seconds)
    )
    return Questions(None, None, shared, (), (), (), 1, "")  # type: ignore[arg-type]


def test_the_least_of_the_attempts_counts_less_a_null_call():
    first, second = Outcome(0, 1, 1), Outcome(1, 2, 2)
    first.costs, second.costs = {0: 0.009, 1: 0.002}, {1: 0.003, 2: 0.00005}
    found = question_cost.ordinary_costs(questions(0.001, 0.002, 0.003, None), [first, second], NullCall(1.0, 0.0001))
    assert found == {"clock": "cpu", "candidate_us": [8900.0, 1900.0, 0.0], "reference_us": [1000.0, 2000.0, 3000.0]}
    second.clock = "wall"
    found = question_cost.ordinary_costs(questions(0.001, 0.002, 0.003), [first, second], NullCall(0.001, 0.5))
    assert found is not None
    assert found["clock"] == "wall"
    assert found["candidate_us"] == [8000.0, 1000.0, 0.0]


def test_nothing_to_compare_is_no_fact():
    assert question_cost.ordinary_costs(questions(None, None), [Outcome(0, 1, 1)], NullCall(0.0, 0.0)) is None
    assert question_cost.exact_costs(Profile(latency=[1.0], reference_latency=[1.0], block=1)) is None
    assert question_cost.exact_costs(Profile(latency=[1.0, 1.0], reference_latency=[], block=2)) is None


def test_an_exact_measurement_leaves_out_the_first_question_of_every_box():
    profile = Profile(latency=[9.0, 1.0, 2.0, 9.0, 3.0, 4.0], reference_latency=[9.0, 1.0, 1.0] * 2, block=3)
    found = question_cost.exact_costs(profile)
    # The first is three times as slow in one box as in the other, so the slower box counts.
    assert found == {"clock": "wall", "candidate_us": [3e6, 3e6], "reference_us": [1e6, 1e6]}


def test_exact_times_of_processes_that_are_slow_now_and_then():
    assert upper_seconds([0.01, 0.0125, 0.012, 0.5]) == 0.01225, "one disturbance"
    assert upper_seconds([0.01, 0.05] * 5) == 0.05
    assert upper_seconds([0.01] * 7 + [0.05] * 3) == 0.05
    assert upper_seconds([0.0001, 0.0003]) < 0.0003, "what a call costs besides"


def test_a_process_that_is_slow_as_a_whole_counts_instead_of_the_least():
    lucky, unlucky = Outcome(0, 1, 1), Outcome(1, 2, 2)
    lucky.costs = dict.fromkeys(range(10), 0.001)
    unlucky.costs = dict.fromkeys(range(10), 0.05)
    asked, null = questions(*[0.001] * 10), NullCall(0.0, 0.0)
    found = question_cost.ordinary_costs(asked, [lucky, unlucky], null)
    assert found is not None
    assert found["candidate_us"] == [50_000.0] * 10
    # One-time costs, and what equal code differs by on a busy machine, do not make a process slow.
    unlucky.costs = dict.fromkeys(range(10), 0.0015) | {3: 0.5}
    found = question_cost.ordinary_costs(asked, [lucky, unlucky], null)
    assert found is not None
    assert found["candidate_us"] == [1000.0] * 10


@pytest.mark.parametrize(("slow", "counts"), [(1, False), (3, True)], ids=["a one-time cost", "three calls"])
def test_few_calls_that_take_most_of_the_time_count(slow, counts):
    attempts = [Outcome(number, 1, 1) for number in range(6)]
    for number, outcome in enumerate(attempts):  # each attempt asks in an order of its own
        outcome.costs = {question: 0.02 if (question + 5 * number) % 33 < slow else 0.00005 for question in range(33)}
    found = question_cost.ordinary_costs(questions(*[0.001] * 33), attempts, NullCall(0.0, 0.0))
    assert found is not None
    assert (max(found["candidate_us"]) == 20_000.0) is counts


def test_a_candidate_that_is_slow_at_every_third_call_counts_as_slow():
    attempts = [Outcome(number, 1, 1) for number in range(6)]
    for number, outcome in enumerate(attempts):
        outcome.costs = {question: 0.05 if (question + number) % 3 == 0 else 0.001 for question in range(12)}
    found = question_cost.ordinary_costs(questions(*[0.001] * 12), attempts, NullCall(0.0, 0.0))
    assert found is not None
    assert found["candidate_us"] == [50_000.0] * 12


@pytest.mark.parametrize(
    ("processes", "is_slow"),
    [
        ([(0.01, 0.02, 0.04, 0.08)] * 5, False),
        ([(0.01, 0.02, 0.04, 0.08)] * 4 + [(0.3, 0.3, 0.3, 0.3)], True),  # one process
        ([(0.01, 0.02, 0.04, 0.08)] * 4 + [(0.3, 0.02, 0.04, 0.08)], False),  # a disturbance
        ([(0.3, 0.02, 0.04, 0.3), (0.01, 0.3, 0.04, 0.08), (0.01, 0.02, 0.04, 0.08)], True),  # some inputs
        ([(0.01, 0.02, 0.04, 0.08)] * 3 + [(0.0125, 0.025), (0.0125, 0.025)], False),  # what equal code differs by
        ([(0.01, 0.02, 0.04, 0.08)] * 3 + [(0.1, 0.1)], True),
        ([(0.0001, 0.0001, 0.0001, 0.0001), (0.0003, 0.0003, 0.0003, 0.0003)], False),
    ],
)
def test_workloads_of_a_candidate_that_is_slow_in_some_processes_or_on_some_inputs(processes, is_slow):
    sizes = (1, 2, 4, 8)
    assert is_slow_somewhere([dict(zip(sizes, times, strict=False)) for times in processes]) is is_slow


@pytest.mark.parametrize(
    ("processes", "call"),
    [
        ([(0.01, 0.02, 0.04, 0.08)] * 5, None),
        ([(0.01, 0.02, 0.04, 0.08), (0.01, 0.02, 0.3, 0.08), (0.03, 0.02, 0.04, 0.08)], (1, 4)),
        ([(0.01, 0.02, 0.04, 0.08)] * 3 + [(0.3, 0.3)], None),  # counts already
        ([(0.0001, 0.0001, 0.0001, 0.0001), (0.0001, 0.0001, 0.0001, 0.0003)], None),
    ],
)
def test_the_input_of_a_lone_slow_call_is_asked_again_and_counts_if_it_is_slow_again(processes, call):
    asked = [dict(zip((1, 2, 4, 8), times, strict=False)) for times in processes]
    assert slow_call(asked) == call
    if call is not None:
        assert is_slow_somewhere([*asked, {call[1]: asked[call[0]][call[1]]}])
        assert not is_slow_somewhere([*asked, {call[1]: asked[0][call[1]]}])
