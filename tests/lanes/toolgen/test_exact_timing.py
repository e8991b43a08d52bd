"""`timing: exact`: compared with the reference on fresh inputs, every answer checked; noise does not decide."""

from __future__ import annotations

import statistics

import pytest

from harness.core.status import Status
from harness.lanes.toolgen import exact_timing
from harness.timing import stopwatch
from harness.timing.benchmark import Loop
from harness.timing.lock import FairLock
from harness.timing.stopwatch import Stopwatch

ADDING = """
    tool_id: total
    description: Add numbers.
    signature: "def total(numbers: list[int]) -> int"
    test_cases:
      - {input: {numbers: [1, 2]}, expected_output: 3}
    workload_size: 20
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
HONEST = "def total(numbers: list[int]) -> int:\n    return sum(numbers)\n"


@pytest.fixture
def watch(context, tmp_path, monkeypatch):
    """A stopwatch that takes few rounds, keeps its records, and by default finds nothing noisy."""
    watch = Stopwatch(Loop(thorough=False), lock=FairLock(folder=tmp_path / "locks"))
    watch.instrument.recording = True
    monkeypatch.setattr(stopwatch, "verdict", lambda *_args, **_about: "")
    context.timer = watch
    return watch


@pytest.fixture
def adding(bench):
    bench.tool(ADDING, ORACLE)
    return bench


def test_numbers_come_from_the_measurement(adding, judge, watch):
    found = judge(HONEST, timing="exact")
    facts = found.evidence.facts
    assert found.status is Status.OK
    assert found.evidence.quality.calls > 0
    assert facts["profile"]["clock"] == "wall"
    assert [row["size"] for row in facts["profile"]["rows"]] == [20, 40, 80, 160]
    [record] = watch.take_records()
    assert found.evidence.median_ms == pytest.approx(statistics.median(record.samples) * 1e3)
    assert (record.name, record.fullname, record.group) == (found.case.name, found.case.nodeid, "total")
    assert record.extra_info["digest"] == found.case.subject.digest
    assert record.extra_info["budget"] == found.case.policy.budget.to_wire()
    assert record.extra_info["epoch"] == 0
    assert "tier" in record.extra_info


def test_a_tool_without_workload_is_timed_on_its_questions(bench, judge, good, watch):
    found = judge(good, timing="exact")
    assert found.status is Status.OK
    assert found.evidence.median_ms is not None
    assert found.evidence.facts["profile"]["rows"] == []


def test_no_workload_is_used_twice_and_none_while_testing(adding, judge, watch, monkeypatch):
    keys = []
    genuine = exact_timing.workload_key
    monkeypatch.setattr(exact_timing, "workload_key", lambda *args: keys.append(genuine(*args)) or keys[-1])
    assert judge(HONEST, timing="exact").status is Status.OK
    assert len(keys) == len(set(keys)) >= 4 * 3


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("return sum(numbers) if len(numbers) < 100 else 0", Status.WRONG),
        ("return sum(numbers) if len(numbers) < 100 else 1 / 0", Status.WRONG),
        ("return sum(numbers) if len(numbers) < 100 else len(bytearray(10**9))", Status.MEMORY),
        ("while len(numbers) > 100: pass\n    return sum(numbers)", Status.TIMEOUT),
    ],
)
def test_what_goes_wrong_while_timed_is_seen(adding, judge, watch, body, status):
    limit = 200 if status is Status.TIMEOUT else 10_000  # a slow machine must not turn other verdicts into a timeout
    policy = {"timing": "exact", "schedule": {"time_ms": [limit, limit]}}
    found = judge(f"def total(numbers: list[int]) -> int:\n    {body}\n", **policy)
    assert found.status is status
    assert watch.take_records() == []


def test_noise_leaves_the_time_undefined_and_only_an_undecided_gate_noisy(adding, judge, watch, monkeypatch):
    monkeypatch.setattr(stopwatch, "verdict", lambda *_args, **_about: "others took 50% of the core")
    found = judge(HONEST, timing="exact", gates={"correctness": 1.0})
    assert (found.status, found.passed) == (Status.OK, True)
    assert found.evidence.median_ms is None
    assert found.score.total is None
    assert found.score.low < found.score.high
    performance = next(part for part in found.score.components if part.name == "performance")
    assert performance.value is None
    assert performance.weight > 0
    assert "others took 50% of the core" in performance.why
    between = (found.score.low + found.score.high) / 2
    found = judge(HONEST, timing="exact", gates={"score": between})
    assert found.status is Status.NOISY
    assert found.neutral
    wrong = judge("def total(numbers: list[int]) -> int:\n    return 0\n", timing="exact", gates={"score": between})
    assert wrong.status is Status.WRONG


def test_nothing_of_it_stays(adding, judge, watch, context):
    judge(HONEST, timing="exact")
    with watch._lock.exclusive() as hold:
        assert not hold.problem
