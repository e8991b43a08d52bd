"""Which questions are asked alone, which at once, and where there are pauses: no verdict and no score depends on it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.policy import Policy
from harness.core.status import Status
from harness.lanes.toolgen import attempt
from harness.lanes.toolgen.batch_size import LARGEST, SMALLEST, BatchSize
from harness.lanes.toolgen.collect import case_for
from harness.lanes.toolgen.lane import Toolgen
from harness.lanes.toolgen.schedule import TIMED
from harness.lanes.toolgen.tool_spec import read_tool
from tests.lanes.toolgen.conftest import GOOD, ORACLE, TOOL

WORKLOAD = """

def workload(size, rng):
    return {"x": rng.randrange(size), "lo": 0, "hi": size}
"""
SLOW = GOOD.replace(
    "    if lo > hi",
    "    if x > 85:\n        total = 0\n        for one in range(600_000):\n            total += one\n    if lo > hi",
)
AFTER_A_WHILE = '''
"""Clamp a number."""
import threading
import time

late = []


def wait():
    time.sleep(0.02)
    late.append(1)


threading.Thread(target=wait, daemon=True).start()


def clamp(x: int, lo: int, hi: int) -> int:
    """Clamp x into [lo, hi]."""
    if lo > hi:
        raise ValueError("empty")
    return 99 if late else max(lo, min(x, hi))
'''
IN_SOME_MILLISECONDS = '''
"""Clamp a number."""
import time


def clamp(x: int, lo: int, hi: int) -> int:
    """Clamp x into [lo, hi]."""
    if lo > hi:
        raise ValueError("empty")
    return max(lo, min(x, hi)) + (int(time.time() * 1000) % 3 == 0)
'''


class Asked:
    """How the questions of cases were asked."""

    def __init__(self) -> None:
        self.alone, self.pauses = 0, 0
        self.batches: list[int] = []


@pytest.fixture
def asked(monkeypatch) -> Asked:
    """What the attempts of a test ask, and their pauses; those of further processes do not count."""
    seen, ask, ask_all, pause = Asked(), attempt.ask, attempt.ask_all, attempt.pause

    async def one(*args, **options):
        seen.alone += 1
        return await ask(*args, **options)

    async def several(pool, box, keys, **options):
        seen.batches.append(len(keys))
        return await ask_all(pool, box, keys, **options)

    def waited(seconds):
        seen.pauses += 1
        return pause(seconds)

    monkeypatch.setattr(attempt, "ask", one)
    monkeypatch.setattr(attempt, "ask_all", several)
    monkeypatch.setattr(attempt, "pause", waited)
    return seen


@pytest.fixture
def judged(bench, context):
    """The evidence of a candidate, with the default pauses."""
    lane = Toolgen()

    def run(source: str, *, timing: str = "cpu", questions: int = 24):
        policy = Policy.model_validate({"attempts": 1, "timing": timing})
        tool = read_tool(bench.folder)
        return lane.evaluate(
            case_for(tool, bench.candidate(source), suite="x.suite.yaml", policy=policy, questions=questions), context
        )

    return run


@pytest.mark.parametrize("timing", ["none", "cpu"])
def test_a_box_of_one_thread_whose_clocks_move_has_no_pauses(judged, asked, bench, timing):
    bench.tool(TOOL, ORACLE + WORKLOAD)
    assert judged(GOOD, timing=timing).status is Status.OK
    assert asked.pauses == 0


@pytest.mark.parametrize(
    "more",
    [
        "constraints: {allow_imports: [time]}\n",
        "constraints: {forbidden_apis: [open]}\n",  # signals, and so timers, are allowed
        "constraints: {forbidden_apis: []}\n",
        "capabilities: [file_io]\n",
    ],
)
def test_a_candidate_that_can_tell_the_time_is_asked_one_by_one_with_pauses(judged, asked, bench, more):
    bench.tool(TOOL + more, ORACLE)
    assert judged(GOOD, timing="none").status is Status.OK
    assert asked.pauses == 24
    assert not asked.batches


@pytest.mark.parametrize("timing", ["none", "cpu"])
def test_what_a_thread_changes_after_a_while_is_noticed(judged, bench, timing):
    bench.tool(TOOL, ORACLE + WORKLOAD)
    found = judged(AFTER_A_WHILE, timing=timing)
    assert found.status is Status.WRONG
    assert "99" in found.why


@pytest.mark.parametrize("timing", ["none", "cpu"])
@pytest.mark.parametrize("more", ["", "constraints: {allow_imports: [time]}\n"])
def test_an_answer_that_depends_on_the_millisecond_is_noticed(judged, bench, timing, more):
    bench.tool(TOOL + more, ORACLE + WORKLOAD)
    assert judged(IN_SOME_MILLISECONDS, timing=timing).status in (Status.WRONG, Status.FLAKY)


def test_a_quick_candidate_is_timed_on_some_questions_and_asked_the_others_at_once(judged, asked, bench, monkeypatch):
    monkeypatch.setattr(attempt, "GRACE_SECONDS", 1.0)  # no call is slow then, however busy the machine is
    bench.tool(TOOL, ORACLE + WORKLOAD)
    found = judged(GOOD)
    assert found.status is Status.OK
    ordinary = found.facts["ordinary"]
    assert len(ordinary["candidate_us"]) > TIMED  # those that were asked at once have the mean of their batch
    assert asked.alone >= TIMED
    assert sum(asked.batches) > 0


def test_a_slow_call_among_quick_ones_costs_what_it_takes(judged, bench):
    bench.tool(TOOL, ORACLE + WORKLOAD)
    found = judged(SLOW, questions=40)
    assert found.status is Status.OK
    slow = [one for one in found.facts["ordinary"]["candidate_us"] if one > 1000]
    assert 1 <= len(slow) <= 8  # x is above 85 for seven inputs in a hundred
    assert found.facts["slowest_ms"] > 5


def test_a_slow_candidate_is_asked_one_by_one(judged, asked, bench):
    bench.tool(TOOL, ORACLE + WORKLOAD)
    assert judged(SLOW.replace("x > 85", "True")).status is Status.OK
    assert not asked.batches


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 50)), max_size=9))
def test_the_size_of_batches_follows_what_was_quick_within_its_bounds(runs):
    size = BatchSize()
    for is_quick in (is_quick for is_quick, length in runs for _ in range(length)):
        before = int(size)
        size.learn(is_quick=is_quick)
        assert SMALLEST <= int(size) <= LARGEST
        assert int(size) >= before if is_quick else int(size) <= before
