"""Scores of each stage, a pure function of evidence."""

from __future__ import annotations

import pytest

from harness.core.evidence import Attempt, Evidence
from harness.core.policy import Policy
from harness.core.score import Score
from harness.core.status import Status
from harness.lanes.kernel.score import score_kernel

CODE = {
    "name": "k", "architecture": "sm_90a", "registers": 200, "stack_bytes": 0, "shared_bytes": 1000, "threads": 256,
    "occupancy": 0.125, "instructions": {"HGMMA": 4},
}  # fmt: skip
RIGHT = {"right": True, "error": 2e-4, "baseline": 1e-4, "allowed": 3e-4}


def launches(*codes: dict) -> list[dict]:
    return [
        {"name": "k", "architecture": "sm_90a", "target": "t", "variants": [{"configuration": {}, "code": code}]}
        for code in codes
    ]


def score(stage: str, gates: dict[str, float], **facts: object) -> Score:
    stated = {"stage": stage, "architecture": "sm_90a"} | facts
    return score_kernel(Evidence(status=Status.OK, facts=stated), Policy(gates=gates))


def test_a_gate_asks_only_the_stages_that_measure_it() -> None:
    gates = {"correctness": 1.0, "compiles": 1.0, "speedup": 1.0}
    compiled = score("compile", gates, launches=launches(CODE))
    assert not {"correctness", "speedup"} & {g.name for g in compiled.gates}
    assert compiled.gates_pass
    assert compiled.total == 1
    computed = score("interpreter", gates, shapes=[RIGHT])
    assert [g.name for g in computed.gates] == ["correctness"]
    assert 0.8 < (computed.total or 0) < 1
    assert not score("compile", {"corectness": 1.0}, launches=launches(CODE)).gates_pass


@pytest.mark.parametrize(
    ("change", "gate"),
    [
        ({"stack_bytes": 16}, "stack_bytes"),
        ({"shared_bytes": 232_449}, "shared_bytes"),
        ({"threads": 512, "occupancy": 0.0}, "block_registers"),
    ],
)
def test_what_does_not_fit_fails_its_gate(change: dict[str, float], gate: str) -> None:
    found = score("compile", {}, launches=launches(CODE, CODE | change))
    assert [g.name for g in found.failed] == [gate]
    assert {c.name: c.value for c in found.components}["resources"] == 0.5


def test_claims_are_verified() -> None:
    kept = score("compile", {"claims": 1.0}, launches=launches(CODE), claims=["tensor_cores"])
    assert kept.gates_pass
    broken = score("compile", {"claims": 1.0}, launches=launches(CODE), claims=["tensor_cores", "tma"])
    assert [(g.name, g.observed) for g in broken.failed] == [("claims", 0.5)]
    assert "tma" in broken.failed[0].why


def test_what_was_not_launched_is_not_measured() -> None:
    gates = {"compiles": 1.0, "resources": 1.0, "claims": 1.0}
    found = score("compile", gates, launches=[], claims=["tma"])
    assert {g.name: (g.observed, g.passed) for g in found.gates} == {
        "resources": (None, False), "claims": (None, False), "compiles": (0, False),
    }  # fmt: skip
    assert all("no kernel was launched" in g.why for g in found.gates if g.observed is None)
    assert (found.total, found.undecided) == (0, False)


def test_of_an_autotuned_kernel_one_configuration_that_fits_is_enough() -> None:
    bad = {"configuration": {"BLOCK": 1}, "code": CODE | {"stack_bytes": 8}}
    good = {"configuration": {"BLOCK": 2}, "code": CODE}
    failed = {"configuration": {"BLOCK": 3}, "fault": "out of resources"}
    group = {"name": "k", "architecture": "sm_90a", "target": "t"}
    assert score("compile", {"resources": 1.0}, launches=[group | {"variants": [bad, failed, good]}]).gates_pass
    assert not score("compile", {"resources": 1.0}, launches=[group | {"variants": [bad, failed]}]).gates_pass


def test_a_golden_table_is_a_gate_of_its_own_and_that_of_another_compiler_claims_nothing() -> None:
    assert score("compile", {}, launches=launches(CODE), golden={"differences": []}).gates_pass
    worse = score("compile", {}, launches=launches(CODE), golden={"differences": ["k: registers 210"]})
    assert [(gate.name, "registers 210" in gate.why) for gate in worse.failed] == [("golden_differences", True)]
    other = score("compile", {}, launches=launches(CODE), golden={"differences": None, "why": "triton 4"})
    assert "golden_differences" not in {gate.name for gate in other.gates}


def test_speed_is_that_of_the_worst_target_and_noise_leaves_it_open() -> None:
    targets = [{"sol": 0.5, "speedup": 1.0, "light": 0.9, "target": "a", "fastest": "eager"},
               {"sol": 0.8, "speedup": 2.0, "light": 0.5, "target": "b", "fastest": "flash"}]  # fmt: skip
    found = score("gpu", {"speedup": 1.0}, shapes=[RIGHT], targets=targets)
    assert {c.name: c.value for c in found.components}["light"] == 0.5
    assert found.gates_pass
    assert "1.00x of eager at a" in found.explanation
    noisy = score("gpu", {"speed": 0.5}, shapes=[RIGHT], targets=[targets[0] | {"sol": None}])
    assert noisy.total is None
    assert noisy.undecided


def test_a_budget_binds_only_where_a_suite_sets_one() -> None:
    free = score("interpreter", {}, shapes=[RIGHT], call_ms=1e9)
    assert free.gates == ()
    bound = score("interpreter", {}, shapes=[RIGHT], call_ms=2001.0, budgeted=True)
    assert [g.name for g in bound.failed] == ["time_ms"]


def test_bits_that_change_halve_the_score() -> None:
    attempts = tuple(Attempt(index=i, seed=1, status=Status.FLAKY, why="x", answers=str(i)) for i in range(2))
    exact = RIGHT | {"error": 0.0}
    evidence = Evidence(
        status=Status.FLAKY, why="x", attempts=attempts, facts={"stage": "interpreter", "shapes": [exact]}
    )
    assert score_kernel(evidence, Policy()).total == 0.5
