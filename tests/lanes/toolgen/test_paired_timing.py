"""A search times a candidate next to another one, in turns, until the number of steps between both is certain."""

from __future__ import annotations

import marshal
import math

import pytest

from harness.core.evaluation import Evaluation
from harness.core.paired import settle
from harness.core.status import Status
from harness.lanes.toolgen import paired_timing
from harness.lanes.toolgen.lane import Toolgen
from harness.lanes.toolgen.paired_timing import MAX_GROUPS, MIN_GROUPS
from harness.lanes.toolgen.reading import compiled
from harness.sandbox.fault import BoxFault
from harness.sandbox.pool import BoxPool
from tests.lanes.toolgen.conftest import GOOD, ORACLE, TOOL
from tests.lanes.toolgen.test_depth import WORKLOAD

STEP = math.log(2)
SLOW = GOOD.replace("    if lo > hi:", "    sum(range(100_000))\n    if lo > hi:")


@pytest.fixture
def compared(bench, context):
    """Judge a candidate next to another one."""
    bench.tool(TOOL, ORACLE + WORKLOAD)
    lane = Toolgen()

    def run(source, other):
        case = lane.compared(bench.case(source, timing="cpu"), other, STEP)
        evidence = lane.evaluate(case, context)
        return Evaluation(case=case, evidence=evidence, score=lane.score(evidence, case.policy))

    return run


def test_more_work_is_some_steps_of_time_and_none_of_growth(compared):
    found = compared(SLOW, GOOD).evidence
    assert found.status is Status.OK
    against = found.facts["against"]
    assert MIN_GROUPS <= len(against["time"]) == len(against["growth"]) == len(against["memory"]) <= MAX_GROUPS
    assert settle([one / STEP for one in against["time"]])[0] >= 2
    assert (against["why"], len(against["digest"])) == ("", 64)
    assert "deepened" not in found.facts, "the pairs are its further processes"
    assert len(found.facts["profile"]["rows"]) == 4, "one attempt asked all sizes"


@pytest.mark.parametrize(
    ("other", "why"),
    [("def clamp(:", "line 1: SyntaxError"), ("import os\n" + GOOD + "\nos.system('x')\n", "it uses os")],
)
def test_what_cannot_be_run_is_not_compared(compared, other, why):
    found = compared(GOOD, other)
    assert found.passed
    assert found.evidence.facts["against"]["time"] == []
    assert found.evidence.facts["against"]["why"].startswith(why)


def test_a_fault_of_the_other_is_not_the_candidates(compared, monkeypatch):
    async def ends(*_args, **_given):
        raise BoxFault(Status.TIMEOUT, "no answer in a call within 2 s")

    monkeypatch.setattr(paired_timing, "ask", ends)
    found = compared(GOOD, SLOW)
    assert found.passed
    assert found.evidence.facts["against"]["why"] == "no answer in a call within 2 s"


@pytest.mark.parametrize(
    ("body", "status"), [("return 10**6", Status.WRONG), ("raise SystemExit(3)", Status.CRASH)], ids=["wrong", "ends"]
)
def test_what_a_candidate_does_in_a_pair_counts(compared, monkeypatch, body, status):
    """It is honest in its attempts, and another one in later processes."""
    honest = len(compared(GOOD, SLOW).evidence.attempts)
    begin, code = BoxPool.begin, marshal.loads(compiled(GOOD))
    other, opened = compiled(GOOD.replace("    if lo > hi:", f"    {body}\n    if lo > hi:")), []

    def begun(self, source, **kwargs):
        if marshal.loads(source) == code:
            opened.append(source)
            source = other if len(opened) > honest else source
        return begin(self, source, **kwargs)

    monkeypatch.setattr(BoxPool, "begin", begun)
    found = compared(GOOD, SLOW)
    assert found.evidence.status is status, found.evidence.why
    assert not found.passed
