"""Screening: short limits make no verdict, and what decides is asked first."""

from __future__ import annotations

import pytest

from harness.core.status import Status
from harness.lanes.toolgen import attempt
from harness.lanes.toolgen.lane import Toolgen
from harness.lanes.toolgen.questions import HONEST_FACTOR, MIN_SHORT_SECONDS, Question, Questions
from harness.lanes.toolgen.reply import Reply
from harness.sandbox.fault import BoxFault
from tests.lanes.toolgen.conftest import GOOD, ORACLE, TOOL


@pytest.fixture
def screen(bench, context):
    lane = Toolgen()

    return lambda source: lane.evaluate(lane.screened(bench.case(source)), context)


@pytest.fixture
def batches(monkeypatch) -> list[tuple[int, float]]:
    """The number of questions and the limit of each batch that is asked."""
    seen = []
    ask_all = attempt.ask_all

    async def observed(pool, box, keys, *, due, seconds):
        seen.append((len(keys), seconds))
        return await ask_all(pool, box, keys, due=due, seconds=seconds)

    monkeypatch.setattr(attempt, "ask_all", observed)
    return seen


@pytest.fixture
def slow_after(monkeypatch):
    """Let the calls of some batches, from the given number on, take longer than the short limit."""

    def arrange(first: int) -> None:
        ask_all, seen = attempt.ask_all, []

        async def late(*args, **options):
            seen.append(None)
            if len(seen) > first:
                raise BoxFault(Status.TIMEOUT, "no answer in a call within the short limit")
            return await ask_all(*args, **options)

        monkeypatch.setattr(attempt, "ask_all", late)

    return arrange


@pytest.mark.parametrize("first", [0, 1])
def test_a_candidate_that_is_slow_at_any_question_is_judged_as_if_it_was_not(screen, slow_after, first):
    slow_after(first)
    found = screen(GOOD)
    assert (found.status, found.why) == (Status.OK, "")
    assert found.facts["questions"]["right"] == found.facts["questions"]["total"] > 2
    only_examples = GOOD.replace("    if lo > hi", "    if x not in (5, -5):\n        return None\n    if lo > hi")
    assert screen(only_examples).status is Status.WRONG


def test_an_endless_candidate_has_the_limit_of_a_full_verdict(screen, bench):
    bench.tool(f"{TOOL}constraints: {{max_runtime_sec: 0.3}}\n", ORACLE)
    found = screen("def clamp(x: int, lo: int, hi: int) -> int:\n    while True:\n        pass\n")
    assert found.status is Status.TIMEOUT
    assert found.why.startswith("no answer in a call within 0.3 s, asked clamp(")


ENDLESS = "def clamp(x: int, lo: int, hi: int) -> int:\n    while True:\n        pass\n"


@pytest.mark.parametrize(
    ("source", "status"),
    [
        (GOOD, Status.OK),
        (GOOD.replace("lo if x < lo", "hi if x < lo"), Status.WRONG),
        ("def clamp(x: int, lo: int, hi: int) -> int:\n    return [][0]\n", Status.WRONG),
        ("import os\n\n\ndef clamp(x: int, lo: int, hi: int) -> int:\n    os._exit(3)\n", Status.CRASH),
        (ENDLESS, Status.TIMEOUT),
    ],
)
def test_only_slow_candidates_are_judged_otherwise_where_none_is_wanted(bench, context, screen, source, status):
    bench.tool(f"{TOOL}constraints: {{max_runtime_sec: 0.8}}\n", ORACLE)
    lane = Toolgen()
    quick = lane.evaluate(lane.screened(bench.case(source), allow_slow=False), context)
    assert quick.status is status
    found = screen(source)
    assert found.status is status
    assert (quick.why == found.why) is (status is not Status.TIMEOUT)


def test_questions_are_asked_in_batches_of_one_origin_until_an_answer_is_wrong(screen, batches):
    assert screen("def clamp(x, lo, hi):\n    return 7\n").status is Status.WRONG
    assert batches == [(2, MIN_SHORT_SECONDS)]  # the examples; the reference takes microseconds
    assert screen(GOOD).status is Status.OK
    assert batches[1] == batches[0]
    assert len(batches) > 2


def test_the_short_limit_is_a_multiple_of_the_slowest_honest_call_edge_inputs_included():
    asked = [Question("example", b"a", Reply("value", b"1"), 0.001), Question("edge", b"b", Reply("value", b"1"), 0.5)]
    found = Questions(None, None, tuple(asked), (), (), (), 1, "")  # type: ignore[arg-type]
    assert found.short_limit(100.0) == HONEST_FACTOR * 0.5
    assert found.short_limit(2.0) == 2.0
    assert [question.reference_seconds for question in asked] == [0.001, None]
