"""A candidate compared with its parent, the champion and itself, in real boxes."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.core.case import Subject
from harness.core.opponent import Opponent
from harness.core.paired import Verdict
from harness.core.status import Status
from harness.lanes.toolgen.source import read_source
from harness.timing import stopwatch
from harness.timing.benchmark import Loop
from harness.timing.lock import FairLock
from harness.timing.stopwatch import Stopwatch

TOOL = """
    tool_id: total
    description: Add numbers.
    signature: "def total(numbers: list[int]) -> int"
    test_cases:
      - {input: {numbers: [1, 2]}, expected_output: 3}
    workload_size: 1000
"""
ORACLE = """
    from hypothesis import strategies as st


    def reference(numbers):
        return sum(numbers)


    def inputs():
        return st.lists(st.integers(-9, 9)).map(lambda numbers: {"numbers": numbers})


    def workload(size, rng):
        return {"numbers": [rng.randrange(1000) for _ in range(size)]}
"""
LOOP = """
def total(numbers: list[int]) -> int:
    found = 0
    for one in numbers:
        found += one
    return found
"""
# So much more work that no load of the machine can hide it.
MANY = "def total(numbers: list[int]) -> int:\n    [sum(numbers) for _ in range(400)]\n    return sum(numbers)\n"
ONCE = "def total(numbers: list[int]) -> int:\n    return sum(numbers)\n"
WRONG_ON_MANY = "def total(numbers: list[int]) -> int:\n    return sum(numbers) if len(numbers) < 500 else 0\n"
FORBIDDEN = "import os\n\n\ndef total(numbers: list[int]) -> int:\n    os.system('true')\n    return sum(numbers)\n"


@pytest.fixture
def ring(bench, context, judge, tmp_path, monkeypatch):
    """Judge a candidate that says who its opponents are; the time of a measurement is short, and nothing is noisy."""
    bench.tool(TOOL, ORACLE)
    context.timer = Stopwatch(Loop(), lock=FairLock(folder=tmp_path / "locks"))
    context.timer.instrument.seconds, context.timer.instrument.min_rounds = 0.1, 8
    monkeypatch.setattr(stopwatch, "verdict", lambda *_args, **_about: "")

    def run(source, **opponents):
        path = bench.candidate(source)
        case = bench.case(path, timing="exact", attempts=2)
        context.controlled = False
        context.opponents = {case.nodeid: tuple(opponent(bench, role, text) for role, text in opponents.items())}
        return judge(path, timing="exact", attempts=2)

    return run


def opponent(bench, role, text):
    path = bench.candidate(text)
    return Opponent(role=role, subject=Subject(name=path.stem, digest=read_source(path).digest, path=str(path)))


def by_role(found):
    return {one.role: one for one in found.evidence.comparisons}


def test_more_work_is_slower_and_less_is_faster(ring):
    slower = by_role(ring(MANY, parent=ONCE))["parent"]
    assert slower.verdict is Verdict.SLOWER
    assert slower.low > 1
    faster = by_role(ring(ONCE, champion=MANY))["champion"]
    assert faster.verdict is Verdict.FASTER
    assert faster.high < 1


def alike(found):
    """One small false alarm in some hundred is in the nature of things; benchmarks/paired.py counts them."""
    return found.verdict not in (Verdict.SLOWER, Verdict.FASTER) or 0.8 < found.ratio < 1.25


def test_a_copy_of_its_parent_is_not_slower(ring):
    assert alike(by_role(ring(LOOP + "\n# a copy\n", parent=LOOP))["parent"])


def test_without_an_opponent_the_first_of_a_session_is_its_own_control(ring):
    found = by_role(ring(LOOP))
    assert set(found) == {"reference", "control"}
    assert alike(found["control"])
    assert found["control"].experiments > 0
    assert found["reference"].experiments == 0


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (WRONG_ON_MANY, "the opponent is wrong"),
        (FORBIDDEN, "uses forbidden APIs"),
        ("def total(numbers: list[int]) -> int:\n    return [][0]\n", "the opponent is wrong"),
        ("def total(numbers: list[int]) -> int:\n    while True: pass\n", "the opponent failed"),
        ("def total(numbers:", "cannot be parsed"),
    ],
)
def test_an_invalid_opponent_does_not_fail_the_candidate(ring, text, why):
    found = ring(LOOP, parent=text)
    assert found.status is Status.OK
    assert by_role(found)["parent"].verdict is Verdict.UNDERPOWERED
    assert why in by_role(found)["parent"].why


def test_an_opponent_whose_file_changed_is_not_run(ring, bench, context, judge):
    path = bench.candidate(LOOP)
    known = opponent(bench, "champion", MANY)
    Path(known.subject.path).write_text(LOOP)
    case = bench.case(path, timing="exact", attempts=2)
    context.opponents = {case.nodeid: (known,)}
    found = judge(path, timing="exact", attempts=2)
    assert "changed since it was collected" in by_role(found)["champion"].why


def test_the_exponent_has_an_interval_that_holds_it(ring):
    profile = ring(LOOP).evidence.facts["profile"]
    assert profile["growth_low"] <= profile["growth"] <= profile["growth_high"]


def test_the_median_has_an_interval_and_it_reaches_the_total(ring):
    found = ring(LOOP)
    low, high = found.evidence.median_interval_ms
    assert low <= found.evidence.median_ms <= high
    assert found.score.spread[0] <= found.score.total <= found.score.spread[1]
