"""The formulas on vectors computed by hand, and what must hold for all of them."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.case import Case, Subject
from harness.core.evaluation import Evaluation
from harness.core.evidence import Attempt, Evidence
from harness.core.policy import Policy
from harness.core.score import Score
from harness.core.status import Status
from harness.lanes.toolgen.score import MAX_DIVERSITY, WEIGHTS, latency, scaling, score_toolgen, steadiness

ALL_DOCUMENTED = {"module": True, "function": True, "signature": True, "example": True}


def rows(*ratios: float) -> list[dict[str, float]]:
    """Workload rows in which the candidate takes so many times the reference's CPU."""
    return [{"size": 2**i, "candidate_s": ratio, "reference_s": 1.0} for i, ratio in enumerate(ratios)]


def evidence(
    status: Status = Status.OK,
    *,
    right: int = 40,
    total: int = 40,
    violations: int = 0,
    profile: list[dict[str, float]] | None = None,
    handled: int = 10,
    edges: int = 10,
    documented: dict[str, bool] = ALL_DOCUMENTED,
    distance: float = 0.0,
    median_ms: float | None = 1.0,
    slowest_ms: float | None = 1.0,
    peak_mb: float | None = 10.0,
    attempts: tuple[str, ...] = ("a", "a", "a"),
    examples_only: bool = False,
    limits: dict[str, float | None] | None = None,
) -> Evidence:
    facts: dict[str, Any] = {
        "questions": {"right": right, "total": total, "low": 0.0, "high": 1.0},
        "edges": {"handled": handled, "total": edges, "source": "oracle"},
        "violations": [{"api": "os.system", "line": 3, "column": 1, "code": "", "how": ""}] * violations,
        "documentation": documented,
        "profile": {"clock": "cpu", "rows": rows(1, 1, 1, 1) if profile is None else profile},
        "style": {"declared": "", "detected": "trie", "baseline": "set", "distance": distance},
        "limits": limits or {"time_ms": None, "memory_mb": None},
        "slowest_ms": slowest_ms,
        "examples_only": examples_only,
    }
    return Evidence(
        status=status,
        why="" if status is Status.OK else "because",
        attempts=tuple(
            Attempt(index=i, seed=i, status=Status.OK, answers=answers) for i, answers in enumerate(attempts)
        ),
        facts=facts,
        median_ms=median_ms,
        peak_mb=peak_mb,
    )


def value(score: Score, name: str) -> float | None:
    return next(component.value for component in score.components if component.name == name)


def test_a_perfect_candidate_scores_one():
    assert score_toolgen(evidence(), Policy()).total == pytest.approx(1.0)


def test_the_weighted_sum_by_hand():
    observed = evidence(
        right=36,
        profile=rows(40, 40, 40, 40),  # c(0) = 20: growth 0.5
        median_ms=4000.0,  # budget 2000: latency 0.5
        handled=6,
        documented={**ALL_DOCUMENTED, "example": False},
        distance=0.5,
    )
    # .40 x .9 + .25 x 1 + .15 x (.5 + .5)/2 + .10 x .6 + .10 x .75 + .02 x .5 = .36 + .25 + .075 + .06 + .075 + .01
    assert score_toolgen(observed, Policy()).total == pytest.approx(0.83)


def test_disagreeing_attempts_halve_the_total():
    flaky = evidence(attempts=("a", "b", "a"))
    assert score_toolgen(flaky, Policy()).total == pytest.approx(0.5)


def test_the_total_is_clamped_at_one():
    score = score_toolgen(evidence(distance=1.0), Policy())
    assert score.total == 1.0
    assert sum(c.weight * (c.value or 0) for c in score.components) == pytest.approx(1.02)


@pytest.mark.parametrize(
    ("median_ms", "budget_ms", "expected"),
    [(0.0, 1000, 1.0), (1000, 1000, 1.0), (2000, 1000, 0.5), (0.5, 0.25, 0.5), (4000, 1000, 0.25)],
)
def test_latency_has_no_floor(median_ms, budget_ms, expected):
    assert latency(median_ms, budget_ms) == pytest.approx(expected)


def test_scaling_is_the_geometric_mean_of_capped_ratios():
    # min(1, 20/10) = 1, 20/40 = .5, 20/80 = .25, 20/160 = .125; product 1/64; fourth root 0.35355
    assert scaling(rows(10, 40, 80, 160), 20.0) == pytest.approx(64 ** (-1 / 4))
    assert scaling([], 20.0) is None


@pytest.mark.parametrize(
    ("temperature", "distance", "bonus"),
    [(1.0, 1.0, 0.02), (0.8, 1.0, 0.016), (1.2, 1.0, 0.02), (1.0, 0.5, 0.01), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0)],
)
def test_the_bonus_table(temperature, distance, bonus):
    score = score_toolgen(evidence(distance=distance), Policy(anneal_temp=temperature))
    diversity = score.components[-1]
    assert diversity.name == "diversity"
    assert diversity.weight * diversity.value == pytest.approx(bonus)


@pytest.mark.parametrize(("right", "earned"), [(36, 1.0), (35, 0.0)])
def test_diversity_needs_correctness_of_nine_tenths(right, earned):
    assert value(score_toolgen(evidence(right=right, distance=1.0), Policy()), "diversity") == earned


def test_a_candidate_passes_a_score_gate_at_epoch_0_and_fails_it_at_40():
    ten_times_the_reference = evidence(profile=rows(10, 10, 10, 10))
    gates = {"score": 0.95}
    early = score_toolgen(ten_times_the_reference, Policy(epoch=0, gates=gates))
    late = score_toolgen(ten_times_the_reference, Policy(epoch=40, gates=gates))
    assert early.total == pytest.approx(1.0)
    # growth 1.5/10 = .15; performance (1 + .15)/2 = .575; total 1 - .15 x .425
    assert late.total == pytest.approx(1 - 0.15 * 0.425)
    assert early.gates_pass
    assert not late.gates_pass


def test_the_factor_anneals_geometrically():
    assert Policy(epoch=20).budget.cpu_factor == pytest.approx(math.sqrt(20 * 1.5))


def test_time_and_memory_gates_hold_at_the_budget_of_the_epoch():
    observed = evidence(slowest_ms=1500.0, peak_mb=100.0)
    assert score_toolgen(observed, Policy(epoch=0)).gates_pass
    failed = {gate.name for gate in score_toolgen(observed, Policy(epoch=40)).failed}
    assert failed == {"time_ms", "memory_mb"}


def test_a_tools_own_limits_are_tighter_than_a_loose_budget():
    observed = evidence(slowest_ms=600.0, median_ms=600.0, limits={"time_ms": 500.0, "memory_mb": 5.0})
    score = score_toolgen(observed, Policy(epoch=0))
    assert {gate.name for gate in score.failed} == {"time_ms", "memory_mb"}
    assert value(score, "performance") == pytest.approx((500 / 600 + 1) / 2)


def test_without_timing_the_other_weights_are_rescaled():
    score = score_toolgen(evidence(handled=0), Policy(timing="none"))
    assert value(score, "performance") is None
    # (.40 + .25 + .10 x 0 + .10) / .85
    assert score.total == pytest.approx(0.75 / 0.85)


def test_without_a_workload_only_latency_counts():
    score = score_toolgen(evidence(profile=[], median_ms=4000.0), Policy())
    assert value(score, "performance") == pytest.approx(0.5)


def ordinary(candidate: list[float], reference: list[float]) -> dict[str, Any]:
    return {"clock": "cpu", "candidate_us": candidate, "reference_us": reference}


def test_ordinary_questions_bound_what_growth_earns():
    # c = 20 at epoch 0: min(1, (20 x 10 + 250) / 40000) = 0.01125, (20 x 1000 + 250) / 1000 -> 1; the root of both
    observed = with_facts(evidence(), ordinary=ordinary([40000.0, 1000.0], [10.0, 1000.0]))
    score = score_toolgen(observed, Policy())
    assert value(score, "performance") == pytest.approx((1 + math.sqrt(0.01125)) / 2)
    assert "ordinary questions against 20 x reference + 250 us: 0.106" in score.explanation


def test_without_a_workload_ordinary_questions_count_alone():
    observed = with_facts(evidence(profile=[], median_ms=4000.0), ordinary=ordinary([45000.0], [1000.0]))
    assert value(score_toolgen(observed, Policy()), "performance") == pytest.approx((0.5 + 0.45) / 2)


def test_ordinary_questions_never_excuse_a_slow_workload():
    slow = evidence(profile=rows(40, 40, 40, 40))
    assert value(score_toolgen(with_facts(slow, ordinary=ordinary([1.0], [1.0])), Policy()), "performance") == 0.75


@given(st.lists(st.floats(0, 250), min_size=1, max_size=9), st.floats(0.1, 100))
def test_questions_of_less_than_the_grace_never_cost_anything(candidate, factor):
    assert steadiness(ordinary(candidate, [0.0] * len(candidate)), factor) == pytest.approx(1.0)


def test_without_edge_inputs_robustness_is_left_out():
    score = score_toolgen(evidence(handled=0, edges=0), Policy())
    assert value(score, "robustness") is None
    assert score.total == pytest.approx(1.0)


def test_examples_only_is_capped():
    assert score_toolgen(evidence(examples_only=True), Policy()).total == pytest.approx(0.9)


def test_a_violation_is_zero_safety_and_a_gate():
    score = score_toolgen(evidence(Status.FORBIDDEN, violations=2, right=0, total=0), Policy())
    assert value(score, "safety") == 0.0
    assert "safe" in {gate.name for gate in score.failed}


def test_infra_is_unscored():
    assert score_toolgen(evidence(Status.INFRA), Policy()).total is None


def test_the_weights_are_the_tournaments():
    assert WEIGHTS == {
        "correctness": 0.4,
        "safety": 0.25,
        "performance": 0.15,
        "robustness": 0.1,
        "documentation": 0.1,
    }
    assert MAX_DIVERSITY == 0.02


# --- what must always hold ---

evidences = st.builds(
    evidence,
    right=st.integers(0, 40),
    violations=st.integers(0, 2),
    profile=st.lists(st.floats(1e-6, 1e6), min_size=4, max_size=4).map(lambda ratios: rows(*ratios)),
    handled=st.integers(0, 10),
    documented=st.fixed_dictionaries({name: st.booleans() for name in ALL_DOCUMENTED}),
    distance=st.floats(0, 1),
    median_ms=st.floats(0, 1e5),
    attempts=st.sampled_from([("a", "a"), ("a", "b")]),
    examples_only=st.booleans(),
)
policies = st.builds(
    Policy, epoch=st.integers(0, 60), anneal_temp=st.floats(0, 3), timing=st.sampled_from(["cpu", "exact", "none"])
)


def with_facts(observed: Evidence, **changes: Any) -> Evidence:
    return observed.model_copy(update={"facts": {**observed.facts, **changes}})


@given(evidences, policies)
def test_fitness_lies_between_0_and_1(observed, policy):
    score = score_toolgen(observed, policy)
    assert score.total is not None
    assert 0.0 <= score.total <= 1.0


@given(evidences, policies)
def test_scoring_is_pure_and_survives_the_wire(observed, policy):
    once = score_toolgen(observed, policy)
    assert once == score_toolgen(Evidence.from_wire(observed.to_wire()), policy)


@given(evidences, policies, st.integers(0, 40))
def test_more_right_answers_never_lower_the_total(observed, policy, right):
    fewer, more = sorted((right, observed.facts["questions"]["right"]))
    low = with_facts(observed, questions={"right": fewer, "total": 40, "low": 0, "high": 1})
    high = with_facts(observed, questions={"right": more, "total": 40, "low": 0, "high": 1})
    assert score_toolgen(low, policy).total <= score_toolgen(high, policy).total + 1e-12


@given(evidences, policies, st.integers(0, 10))
def test_more_edges_handled_never_lower_the_total(observed, policy, handled):
    fewer, more = sorted((handled, observed.facts["edges"]["handled"]))
    low = with_facts(observed, edges={"handled": fewer, "total": 10, "source": "oracle"})
    high = with_facts(observed, edges={"handled": more, "total": 10, "source": "oracle"})
    assert score_toolgen(low, policy).total <= score_toolgen(high, policy).total + 1e-12


@given(evidences, policies, st.floats(1.0, 100.0))
def test_being_slower_never_raises_the_total(observed, policy, times):
    slower = [{**row, "candidate_s": row["candidate_s"] * times} for row in observed.facts["profile"]["rows"]]
    slow = with_facts(observed, profile={"clock": "cpu", "rows": slower})
    slow = slow.model_copy(update={"median_ms": (observed.median_ms or 0) * times})
    assert score_toolgen(slow, policy).total <= score_toolgen(observed, policy).total + 1e-12


@given(evidences, policies, st.sampled_from(sorted(ALL_DOCUMENTED)))
def test_documenting_more_never_lowers_the_total(observed, policy, quarter):
    documented = observed.facts["documentation"]
    less = with_facts(observed, documentation={**documented, quarter: False})
    more = with_facts(observed, documentation={**documented, quarter: True})
    assert score_toolgen(less, policy).total <= score_toolgen(more, policy).total + 1e-12


@given(evidences, st.integers(0, 60), st.integers(0, 60))
def test_a_later_epoch_never_raises_the_total(observed, one, other):
    early, late = sorted((one, other))
    assert (
        score_toolgen(observed, Policy(epoch=late)).total <= score_toolgen(observed, Policy(epoch=early)).total + 1e-12
    )


@given(evidences, evidences, policies)
def test_a_wrong_candidate_never_outranks_a_right_one(one, other, policy):
    case = Case(lane="toolgen", suite="s", name="n", subject=Subject(name="n", digest="0"), policy=policy)
    wrong = with_facts(one, questions={"right": 39, "total": 40, "low": 0, "high": 1})
    wrong = wrong.model_copy(update={"status": Status.WRONG, "why": "because"})
    right = with_facts(other, questions={"right": 40, "total": 40, "low": 0, "high": 1}, violations=[])
    right = right.model_copy(update={"peak_mb": 1.0})
    ranked = [
        Evaluation(case=case, evidence=observed, score=score_toolgen(observed, policy)).passed
        for observed in (wrong, right)
    ]
    assert ranked == [False, True]
    assert "correct" in {gate.name for gate in score_toolgen(wrong, policy).failed}


def test_the_weights_of_a_suite_replace_the_lanes_own():
    observed = evidence(right=20, handled=5, documented=dict.fromkeys(ALL_DOCUMENTED, False))
    weights = {"correctness": 0.5, "robustness": 0.25, "documentation": 0.25}
    score = score_toolgen(observed, Policy(weights=weights))
    assert score.total == pytest.approx(0.5 * 0.5 + 0.25 * 0.5)
    assert {part.name: part.weight for part in score.components if part.name != "diversity"} == {
        **weights, "safety": 0.0, "performance": 0.0
    }  # fmt: skip
    assert score_toolgen(observed, Policy(weights=dict(WEIGHTS))) == score_toolgen(observed, Policy())


def test_weights_of_components_that_no_candidate_has_are_shared_out():
    weights = {"correctness": 0.5, "performance": 0.5}
    score = score_toolgen(evidence(right=10), Policy(weights=weights, timing="none"))
    assert score.total == pytest.approx(0.25)


def test_a_total_of_unknown_components_is_unknown():
    score = score_toolgen(evidence(), Policy(weights={"performance": 1.0}, timing="none", gates={"score": 0.1}))
    assert score.total is None
    assert not score.gates_pass


def test_the_noise_of_diversity_decides_no_rank():
    def scored(distance: float, low: float, high: float) -> Score:
        observed = evidence(documented=dict.fromkeys(ALL_DOCUMENTED, False))
        observed.facts["style"].update(distance=distance, distance_low=low, distance_high=high)
        return score_toolgen(observed, Policy())

    one, other = scored(0.52, 0.5, 0.66), scored(0.6, 0.5, 0.7)
    assert other.total > one.total
    assert other.interval[0] <= one.interval[1]
    assert scored(0.9, 0.8, 1.0).interval[0] > one.interval[1]
