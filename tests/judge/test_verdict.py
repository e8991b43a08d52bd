"""A verdict as JSON says what its evaluation says."""

from __future__ import annotations

import pytest

from harness.core.case import Case, Subject
from harness.core.evaluation import Evaluation, SerialisedEvaluation
from harness.core.evidence import Evidence
from harness.core.gate import GateResult
from harness.core.policy import Policy
from harness.core.score import Component, Score
from harness.core.status import Status
from harness.judge.verdict import StoredVerdict, Verdict

CASE = Case(lane="x", suite="s", name="a", title="a", subject=Subject(name="a", digest="d"), policy=Policy())
QUESTIONS = {"right": 3, "total": 8, "low": 0.0, "high": 1.0}


def _gate(observed: float | None) -> GateResult:
    passed = observed is not None and observed >= 0.5
    return GateResult(name="score", observed=observed, threshold=0.5, passed=passed, why=f"score is {observed}")


@pytest.mark.parametrize("observed", [None, 0.4, 0.6])
@pytest.mark.parametrize(
    "evidence",
    [
        Evidence(status=Status.OK),
        Evidence(status=Status.WRONG, why="f(1) is 2, asked f(1)", facts={"questions": QUESTIONS}),
        Evidence(status=Status.WRONG, why="no", facts={"questions": QUESTIONS, "public_why": "example", "more": [1]}),
        Evidence(status=Status.INFRA, why="broken", fault="trusted file"),
        Evidence(status=Status.TIMEOUT, why="late, asked f(2)"),
    ],
)
def test_each_property(evidence, observed):
    parts = (Component(name="speed", value=observed, weight=1.0),)
    score = Score(total=observed, low=0.0, high=1.0, components=parts, gates=(_gate(observed),), explanation="so")
    evaluation = Evaluation(case=CASE, evidence=evidence, score=score)
    found, expected = StoredVerdict(evaluation.model_dump_json()), Verdict(evaluation)
    names = ("status", "passed", "score", "reward", "graded", "why", "feedback")
    assert [getattr(found, name) for name in names] == [getattr(expected, name) for name in names]
    assert found.evaluation == evaluation


def test_lone_surrogates_are_read():
    evidence = Evidence(status=Status.WRONG, why="f(1) is '\ud800'")
    found = StoredVerdict(
        SerialisedEvaluation.of(Evaluation(case=CASE, evidence=evidence, score=Score(total=0.0))).text
    )
    assert (found.status, found.why) == (Status.WRONG, evidence.why)
