"""When an undefined component makes a case `noisy`, and when it does not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.case import Case, Subject
from harness.core.evaluation import Evaluation
from harness.core.evidence import Evidence
from harness.core.gate import Gate
from harness.core.policy import Policy
from harness.core.score import Component, judge
from harness.core.status import Status


def evaluation(
    *,
    value: float | None = None,
    weight: float = 0.2,
    status: str = "ok",
    own_gate: float | None = 1.0,
    **policy: object,
) -> Evaluation:
    chosen = Policy.model_validate(policy)
    evidence = Evidence(status=status, why="" if status == "ok" else "so it is")
    parts = [
        Component(name="correctness", value=0.9, weight=0.8),
        Component(name="performance", value=value, weight=weight, why="too noisy to tell"),
    ]
    gates = [Gate(name="safe", threshold=1.0).evaluate(own_gate)]
    case = Case(lane="x", suite="x.suite.yaml", name="a", subject=Subject.from_bytes("a", b""), policy=chosen)
    return Evaluation(case=case, evidence=evidence, score=judge(evidence, chosen, parts, gates=gates))


@pytest.mark.parametrize(
    ("gates", "status", "passed"),
    [
        ({}, Status.OK, True),  # nothing is asked of it
        ({"score": 0.72}, Status.OK, True),  # the lower end holds
        ({"score": 0.93}, Status.OK, False),  # the upper end, 0.92, does not
        ({"score": 0.8}, Status.NOISY, False),
        ({"score": 0.92}, Status.NOISY, False),
        ({"performance": 0.5}, Status.NOISY, False),
        ({"performance": 1.5}, Status.OK, False),  # no measurement could make it hold
        ({"performance": 0.5, "correctness": 0.95}, Status.OK, False),  # fails anyway
        ({"score": 0.8, "performance": 0.5}, Status.NOISY, False),
        ({"nothing": 0.5}, Status.OK, False),  # no such component
    ],
)
def test_only_an_undecided_gate_makes_it_noisy(gates, status, passed):
    found = evaluation(gates=gates)
    assert (found.status, found.passed) == (status, passed)
    assert found.neutral is (status is Status.NOISY)
    if status is Status.NOISY:
        assert "undefined" in found.why


def test_what_fails_otherwise_is_not_noisy():
    assert evaluation(gates={"score": 0.8}, own_gate=0.0).status is Status.OK
    assert evaluation(gates={"score": 0.8}, own_gate=None).status is Status.OK
    assert evaluation(gates={"score": 0.8}, status="wrong").status is Status.WRONG


def test_a_component_without_weight_does_not_exist():
    assert evaluation(gates={"performance": 0.5}, weight=0.0).status is Status.OK
    assert evaluation(gates={"score": 0.8}, weight=0.0).status is Status.OK


def test_a_suite_may_insist():
    found = evaluation(gates={"score": 0.8}, require=("noisy",))
    assert not found.neutral
    assert not found.as_expected


@given(st.floats(0, 1), st.floats(0, 1.2))
def test_noisy_means_that_the_missing_number_decides(value, threshold):
    """Exactly when the case passes for some value of the component and fails for another."""
    ends = {evaluation(value=end, gates={"score": threshold}).passed for end in (0.0, 1.0)}
    unknown = evaluation(gates={"score": threshold})
    assert (unknown.status is Status.NOISY) == (len(ends) == 2)
    if unknown.status is not Status.NOISY:
        assert unknown.passed == evaluation(value=value, gates={"score": threshold}).passed
