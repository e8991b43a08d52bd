"""What a candidate shows: its growth beside the reference, its budget; nothing unmeasured is 0."""

from __future__ import annotations

import pytest

from harness.core.evidence import Attempt, Evidence
from harness.core.exhibit import inflate, unpack
from harness.core.policy import Policy
from harness.lanes.toolgen.exhibits import candidate_exhibits

ROWS = [
    {"size": size, "candidate_s": size**1.5 / 1e6, "reference_s": size / 1e6, "candidate_high_s": size**1.5 / 5e5}
    for size in (100, 200, 400, 800)
]


def shown(status="ok", rows=(), peak_mb=3.0, attempts=1, **facts):
    known = {"profile": {"clock": "cpu", "rows": list(rows)}, "limits": {"time_ms": None, "memory_mb": 50}}
    evidence = Evidence(
        status=status,
        why="" if status == "ok" else "it is wrong",
        peak_mb=peak_mb,
        attempts=[Attempt(index=i, seed=1, status=status) for i in range(attempts)],
        facts={**known, "slowest_ms": 300.0, **facts},
    )
    packed = candidate_exhibits(evidence, Policy(epoch=20))
    return {one.name: unpack(one.kind, inflate(one.stored)) for one in packed}


def test_growth_is_drawn_beside_the_reference_and_its_limit():
    growth = shown(rows=ROWS)["growth"]
    assert "as n^1.50, the reference as n^1.00" in growth.sentence
    subject, reference, limit = growth.lines
    assert subject.y == pytest.approx([row["candidate_s"] * 1e3 for row in ROWS])
    assert subject.low == (None,) * 4
    assert (reference.role, limit.role) == ("reference", "limit")
    assert limit.y[0] == pytest.approx(reference.y[0] * Policy(epoch=20).budget.cpu_factor)


@pytest.mark.parametrize(("status", "why"), [("ok", "no workload"), ("wrong", "not timed: the verdict is wrong")])
def test_without_times_the_reason_is_given(status, why):
    growth = shown(status)["growth"]
    assert growth.lines == ()
    assert why in growth.absent


def test_budget_and_schedule():
    found = shown(ordinary={"clock": "cpu", "candidate_us": [3.0, 1.0], "reference_us": [2.0, 2.0]})
    assert found["budget"].values == (pytest.approx(20.0), pytest.approx(6.0))
    assert found["schedule"].lines[-1].x == (20, 20)
    assert found["ordinary questions"].lines[0].y == (1.0, 3.0)
    assert found["budget"].sentence.endswith("that of memory is the tool's own, lower than the schedule's")
    free = shown(limits={"time_ms": None, "memory_mb": 1e6})["budget"]
    assert free.sentence == "shares of the limits of epoch 20"
    unmeasured = shown(peak_mb=None)["budget"]
    assert len(unmeasured.values) == 1
    assert "peak memory" in unmeasured.absent


def test_a_candidate_that_was_not_asked_shows_nothing():
    assert shown(status="crash", attempts=0) == {}
