"""The table of verdicts: what passes, what is as expected, and what is neither."""

from __future__ import annotations

import json

import pytest

from harness.core.case import Case, Subject
from harness.core.evaluation import Evaluation
from harness.core.evidence import Evidence
from harness.core.policy import Policy
from harness.core.score import Component, judge
from harness.core.status import Status


def evaluation(status="ok", *, value=1.0, expect=None, require=(), gate=0.5, markers=(), weight=1.0):
    policy = Policy(gates={"match": gate}, expect=expect, require=require)
    evidence = Evidence(status=status, why="" if status == "ok" else f"it is {status}")
    case = Case(
        lane="words", suite="a.suite.yaml", name="x", subject=Subject.from_bytes("x", b"x"), policy=policy,
        markers=markers,
    )  # fmt: skip
    score = judge(evidence, policy, [Component(name="match", value=value, weight=weight, why="m")], explanation="fine")
    return Evaluation(case=case, evidence=evidence, score=score)


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("value", [0.25, 1.0])
def test_passed_is_ok_and_every_gate(status, value):
    assert evaluation(status.value, value=value).passed is (status is Status.OK and value == 1.0)


@pytest.mark.parametrize("status", Status)
def test_without_an_expectation_as_expected_is_passed(status):
    for value in (0.25, 1.0):
        made = evaluation(status.value, value=value)
        assert made.as_expected is made.passed


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("expect", Status)
def test_a_control_is_as_expected_by_its_status_alone(status, expect):
    for value in (0.25, 1.0):
        made = evaluation(status.value, value=value, expect=expect)
        assert made.as_expected is (status is expect)
        assert made.passed is (status is Status.OK and value == 1.0)


@pytest.mark.parametrize("status", Status)
def test_neutral_is_skipped_review_and_noisy(status):
    assert evaluation(status.value).neutral is (status.value in ("skipped", "review", "noisy"))


@pytest.mark.parametrize(
    ("status", "require", "markers", "expect", "neutral"),
    [
        ("review", ("review",), (), None, False),
        ("review", ("noisy",), (), None, True),
        ("noisy", ("noisy",), (), None, False),
        ("noisy", ("review", "gpu"), (), None, True),
        ("skipped", ("gpu",), ("gpu",), None, False),
        ("skipped", ("gpu",), (), None, True),
        ("skipped", (), ("gpu",), None, True),
        ("skipped", ("review", "noisy"), ("gpu",), None, True),
        ("review", (), (), "wrong", False),
        ("noisy", (), (), "noisy", False),
        ("skipped", (), (), "wrong", True),
        ("ok", ("gpu", "review"), ("gpu",), None, False),
        ("wrong", ("review",), (), None, False),
    ],
)
def test_neutral_unless_the_suite_insists(status, require, markers, expect, neutral):
    assert evaluation(status, require=require, markers=markers, expect=expect).neutral is neutral


@pytest.mark.parametrize("status", Status)
def test_nothing_is_both_passed_and_neutral(status):
    for value in (None, 0.25, 1.0):
        for require in ((), ("review",), ("noisy",), ("gpu",)):
            made = evaluation(status.value, value=value, require=require, markers=("gpu",))
            assert not (made.passed and made.neutral)


def test_noisy_where_only_what_was_not_measured_decides():
    made = evaluation(value=None)
    assert (made.status, made.passed, made.neutral) == (Status.NOISY, False, True)
    assert made.evidence.status is Status.OK
    assert not evaluation(value=None, require=("noisy",)).neutral
    assert evaluation(value=None, gate=1.5).status is Status.OK
    assert evaluation(value=None, weight=0.0).status is Status.OK


def test_a_fault_is_never_excused_as_noise():
    assert evaluation("wrong", value=None).status is Status.WRONG


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (evaluation("wrong", value=0.25), "it is wrong"),
        (evaluation(value=0.25), "match 0.25 fails >= 0.5: m"),
        (evaluation(), "fine"),
    ],
)
def test_why_is_the_first_reason_there_is(made, why):
    assert made.why == why


@pytest.mark.parametrize("status", Status)
def test_it_survives_json(status):
    made = evaluation(status.value, expect="wrong", require=("gpu",))
    again = Evaluation.from_wire(json.loads(json.dumps(made.to_wire())))
    assert again == made
    assert (again.status, again.passed, again.neutral) == (made.status, made.passed, made.neutral)
