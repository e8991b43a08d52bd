"""What helped before orders the edits, and nothing else."""

from __future__ import annotations

import math

import pytest

from harness.repair.patterns import MAX_FACTOR, PRIORS, Patterns, fingerprint
from harness.repair.proposals import Proposal, changed_size, single_edits

WIN = {"edits": [{"operator": "arithmetic", "fingerprint": "arithmetic: // -> /", "line": 3}]}
POISON = [
    {}, {"edits": None}, {"edits": "arithmetic"}, {"edits": [None, 7, []]}, {"edits": [{"operator": 3}]},
    {"edits": [{"operator": "x" * 10_000, "fingerprint": "\x00\ud800"}]},
    {"edits": [{"operator": "delete", "fingerprint": "delete: import os; os.system('x') -> "}] * 10_000},
    {"edits": [{"operator": "comparison", "fingerprint": {"$": 1}}], "wins": float("inf")},
]  # fmt: skip


def test_a_fingerprint_has_no_names_of_variables():
    assert fingerprint("comparison", "first < second", "first <= second") == "comparison: < -> <="
    assert fingerprint("variable", "resutl", "result") == fingerprint("variable", "a", "b") == "variable: x -> x"
    assert fingerprint("delete", "return None\n", "") == "delete: return None -> "
    assert fingerprint("constant", "'a", "\x00") != ""


def test_an_edit_that_helped_before_comes_first():
    source = "def mean(a, b):\n    return a // b + a - b\n"
    plain = single_edits(Proposal(source, ()), {}, Patterns())
    learned = single_edits(Proposal(source, ()), {}, Patterns.learn([WIN, WIN]))
    assert {one.source for one in plain} == {one.source for one in learned}
    assert learned[0].source == source.replace("//", "/")
    assert [one.rank for one in learned] == sorted((one.rank for one in learned), reverse=True)


def test_suspicion_outranks_what_is_far_away():
    source = "def f(a, b):\n    a = a + 1\n    return a + 2\n"
    found = single_edits(Proposal(source, ()), {2: 0.05, 3: 1.0}, Patterns.learn([WIN]))
    assert found[0].steps[0].line == 3


@pytest.mark.parametrize("poison", POISON, ids=range(len(POISON)))
def test_a_poisoned_pattern_changes_the_order_at_most(poison):
    source = "def f(a, b):\n    return a < b\n"
    patterns = Patterns.learn([WIN, poison])
    found = single_edits(Proposal(source, ()), {}, patterns)
    assert {one.source for one in found} == {one.source for one in single_edits(Proposal(source, ()), {}, Patterns())}
    for operator in PRIORS:
        weight = patterns.weight(operator, "delete: import os; os.system('x') -> ")
        assert math.isfinite(weight)
        assert 0 < weight <= PRIORS[operator] * MAX_FACTOR


def test_the_size_of_a_change():
    assert changed_size("a\nb\n", "a\nb\n") == (0, 0)
    assert changed_size("a\nb < 1\n", "a\nb <= 1\n") == (2, 1)
    assert changed_size("a\nb\nc\n", "a\nc\n") < changed_size("a\nb\nc\n", "a\n")
