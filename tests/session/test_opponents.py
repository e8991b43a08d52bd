"""Whom a timed case is measured against."""

from __future__ import annotations

import pytest

from harness.core.policy import Policy
from harness.ledger.store import Ledger
from harness.session.opponents import opponents_of
from tests.ledger.factory import fill, make_evaluation


def case_of(name, *, timing="exact", expect=None, **more):
    case = make_evaluation(name, **more).case
    return case.model_copy(update={"policy": Policy(timing=timing, expect=expect)})


@pytest.fixture
def rivals(tmp_path):
    """Who they are, by case: an earlier run knows `champion` (0.95), `old` and a planted control."""
    path = tmp_path / "l.db"
    fill(
        path,
        [
            make_evaluation("champion", score=0.95),
            make_evaluation("old", score=0.85),
            make_evaluation("planted", score=0.99, status="wrong", expect="wrong"),
            make_evaluation("elsewhere", score=1.0, suite="other.suite.yaml"),
        ],
    )

    def found(*cases):
        with Ledger.open(path) as ledger:
            known = opponents_of({case.nodeid: case for case in cases}, ledger)
        return {
            nodeid.rpartition("::")[2]: [(one.role, one.subject.name) for one in some] for nodeid, some in known.items()
        }

    return found


def test_a_timed_case_meets_its_parent_and_the_champion_of_its_suite(rivals):
    child = case_of("child", parents=("old",))
    assert rivals(child) == {"child": [("parent", "old"), ("champion", "champion")]}


def test_a_parent_of_this_run_needs_no_ledger(rivals):
    found = rivals(case_of("child", parents=("mother",)), case_of("mother"))
    assert found["child"] == [("parent", "mother"), ("champion", "champion")]
    by_digest = case_of("mother").subject.digest
    assert rivals(case_of("child", parents=(by_digest,)), case_of("mother"))["child"][0] == ("parent", "mother")


def test_nobody_is_its_own_rival_and_none_is_met_twice(rivals):
    assert rivals(case_of("champion")) == {}
    assert rivals(case_of("child", parents=("champion",))) == {"child": [("parent", "champion")]}


def test_who_is_not_timed_or_planted_has_no_rivals(rivals):
    assert rivals(case_of("child", timing="cpu")) == {}
    assert rivals(case_of("child", expect="wrong")) == {}


def test_a_parent_nobody_knows_or_of_another_suite_is_none(rivals):
    child = case_of("child", parents=("elsewhere", "stranger", "'; DROP TABLE runs"))
    assert rivals(child) == {"child": [("champion", "champion")]}


def test_a_suite_without_a_champion_has_none(rivals):
    assert rivals(case_of("child", suite="new.suite.yaml")) == {}
