"""A pool remembers verdicts up to a number of bytes."""

from __future__ import annotations

from pathlib import Path

from harness.core.case import Case, Subject
from harness.core.evaluation import Evaluation
from harness.core.evidence import Evidence
from harness.core.policy import Policy
from harness.core.score import Score
from harness.core.status import Status
from harness.judge import remembered
from harness.judge.judging import Judging
from harness.judge.remembered import Remembered
from harness.judge.verdict import StoredVerdict


def _stored(name: str, why: str = "") -> StoredVerdict:
    case = Case(lane="x", suite="s", name=name, title=name, subject=Subject(name=name, digest=name), policy=Policy())
    evidence = Evidence(status=Status.WRONG, why=why or "no")
    return StoredVerdict(Evaluation(case=case, evidence=evidence, score=Score(total=0.25)).model_dump_json())


def _address(name: str) -> remembered.Address:
    return "tool", "", None, name


def test_the_oldest_are_forgotten_first(monkeypatch):
    monkeypatch.setattr(remembered, "MAX_BYTES", 20_000)
    known = Remembered()
    for number in range(50):
        known.add(f"k{number}", _stored(f"c{number}", "x" * 900), _address(f"c{number}"))
    kept = [number for number in range(50) if known.get(f"k{number}")]
    assert 5 < len(kept) < 20
    assert kept == list(range(50 - len(kept), 50))
    assert [number for number in range(50) if known.at(_address(f"c{number}"))] == kept
    known.add("large", _stored("large", "y" * 5_000_000))
    assert known.get("large").status is Status.WRONG  # the last one is always known
    assert known.at(_address("c49")) is None


def test_one_that_is_judged_becomes_a_verdict_at_the_same_addresses():
    known, judging = Remembered(), Judging("k", Path("a.py"))
    known.add("k", judging, _address("a"))
    assert known.at(_address("a")) is judging
    known.link("k", _address("b"))
    known.add("k", _stored("a"))
    assert known.at(_address("b")).score == 0.25
    assert known.at(_address("a")) is None  # one address for each key: what it takes is bounded
    known.drop("k")
    known.link("k", _address("b"))
    assert known.get("k") is None
    assert known.at(_address("b")) is None


def test_callers_do_not_share_what_they_read():
    known = Remembered()
    known.add("k", _stored("a"))
    first, second = known.get("k"), known.get("k")
    assert first.evaluation == second.evaluation
    assert first.evaluation is not second.evaluation
