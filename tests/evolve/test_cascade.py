"""Which verdicts are looked at again, since a busy machine may be the cause."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from harness.core.case import Case, Subject
from harness.core.evaluation import Evaluation
from harness.core.evidence import Attempt, Evidence
from harness.core.gate import Gate
from harness.core.paired import Comparison
from harness.core.score import Score
from harness.core.status import Status
from harness.evolve import finals
from harness.evolve.measures import was_late

OK, TIMEOUT, WRONG, FLAKY = Status.OK, Status.TIMEOUT, Status.WRONG, Status.FLAKY


@pytest.mark.parametrize(("gates", "is_late"), [(["time_ms"], True), (["time_ms", "memory_mb"], False), ([], False)])
def test_a_call_that_is_too_slow_for_the_budget_alone_is_doubted(gates, is_late):
    evidence = Evidence(status=OK, attempts=(Attempt(index=0, seed=0, status=OK, answers=""),))
    case = Case(lane="toolgen", suite="s", name="c", subject=Subject(name="c", digest="0" * 64))
    score = Score(total=None, gates=tuple(Gate(name=name, threshold=1.0).evaluate(0.5) for name in gates))
    assert was_late(Evaluation(case=case, evidence=evidence, score=score)) is is_late


@pytest.mark.parametrize(
    ("status", "attempts", "is_late"),
    [
        (TIMEOUT, [OK, OK], True),  # on a workload, after all answers were right
        (TIMEOUT, [TIMEOUT, TIMEOUT], True),
        (FLAKY, [TIMEOUT, OK], True),
        (FLAKY, [WRONG, OK], False),
        (FLAKY, [OK, OK], False),  # the answers differ
        (WRONG, [WRONG], False),
        (TIMEOUT, [TIMEOUT, WRONG], False),
        (Status.MEMORY, [Status.MEMORY], False),
        (OK, [OK, OK], False),
    ],
)
def test_only_time_limits_are_doubted(status, attempts, is_late):
    made = tuple(Attempt(index=at, seed=at, status=one, answers="") for at, one in enumerate(attempts))
    evidence = Evidence(status=status, why="" if status is OK else "because", attempts=made)
    case = Case(lane="toolgen", suite="s", name="c", subject=Subject(name="c", digest="0" * 64))
    assert was_late(Evaluation(case=case, evidence=evidence, score=Score(total=None))) is is_late


def test_a_finalist_keeps_its_measures_where_the_machine_was_too_busy_for_further_ones():
    case = Case(lane="toolgen", suite="s", name="c", subject=Subject(name="c", digest="0" * 64))
    attempts = tuple(Attempt(index=at, seed=at, status=OK, answers="", round=at) for at in range(2))
    first = Evidence(status=OK, attempts=attempts[:1], facts={"time": 1})
    both = Evidence(status=OK, attempts=attempts, facts={"time": None, "confirmation": [{"attempts": 1}]})
    scores = {1: Score(total=0.9), None: Score(total=None)}
    lane = SimpleNamespace(score=lambda evidence, policy: scores[evidence.facts["time"]])
    before, after = (Evaluation(case=case, evidence=one, score=lane.score(one, case.policy)) for one in (first, both))
    found = finals._measured(after, before, lane)
    assert found.score.total == 0.9
    assert (found.evidence.attempts, found.evidence.facts["confirmation"]) == (attempts, [{"attempts": 1}])
    assert finals._measured(before, after, lane) is before


@pytest.mark.parametrize(
    ("rounds", "asked", "verdict", "unconfirmed"),
    [
        (["infra", 0.9], 2, "faster", ""),
        (["infra", "infra"], 2, None, "infra: no box"),
        ([0.97, 0.9], 2, "faster", ""),
        ([0.97, 0.97, 0.97, 0.97], 4, "underpowered", ""),
        ([0.97, "infra"], 2, "underpowered", ""),
        ([None], 1, None, ""),  # a lane that compares nothing
        (["late", 0.9], 2, "faster", ""),
        ([0.97, "late", 0.9], 3, "faster", ""),
        (["late", "late", "late", "late"], 4, None, ""),
    ],
)
def test_a_finalist_is_timed_until_it_is_certain_and_a_failure_of_the_judge_is_asked_once_more(
    monkeypatch, rounds, asked, verdict, unconfirmed
):
    made = []

    def another_round(before, _lane, context, **_given):
        assert context.opponents
        made.append(rounds[len(made)])
        if made[-1] == "infra":
            return before.model_copy(update={"evidence": before.evidence.replace(unconfirmed="infra: no box")})
        if made[-1] == "late":
            attempts = before.evidence.attempts[:1], Attempt(index=1, seed=0, status=TIMEOUT, answers="", round=1)
            late = before.evidence.replace(status=FLAKY, why="late", attempts=(*attempts[0], attempts[1]))
            return before.model_copy(update={"evidence": late})
        compared = Comparison(verdict="alike", why="", role="parent", ratio=made[-1], deviation=0.02)
        evidence = before.evidence.replace(unconfirmed="", comparisons=(compared,) if made[-1] else ())
        return before.model_copy(update={"evidence": evidence})

    monkeypatch.setattr(finals, "another_round", another_round)
    case = Case(lane="toolgen", suite="s", name="c", subject=Subject(name="c", digest="0" * 64))
    attempt = Attempt(index=0, seed=0, status=OK, answers="", round=0)
    before = Evaluation(case=case, evidence=Evidence(status=OK, attempts=(attempt,)), score=Score(total=1.0))
    like = SimpleNamespace(tier=None, protect=())
    after, timed = finals.confirm(before, "x = 1", seed_parent="x = 2", lane=None, like=like, secret_seed=1)
    assert (len(made), timed and timed.verdict) == (asked, verdict)
    assert after.evidence.unconfirmed == unconfirmed
    assert after.passed is (rounds[-1] != "late"), "a machine that is always busy confirms nothing"
