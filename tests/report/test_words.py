"""Numbers as people read them."""

from __future__ import annotations

import pytest

from harness.report import words


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "undefined"),
        (229408, "229,408"),
        (0.98765, "0.988"),
        (0.5, "0.5"),
        (12.3456, "12.35"),
        (3e-7, "3e-07"),
        (1, "1"),
        (-2.5, "-2.5"),
        (1e300, "1e+300"),
    ],
)
def test_integers_of_gates_are_shown_in_full(value: float | None, shown: str) -> None:
    assert words.measured(value) == shown
    assert words.measured(float("inf")) == "inf"


@pytest.mark.parametrize(
    ("weights", "shown"),
    [
        ((0.4, 0.35, 0.25), ["0.40", "0.35", "0.25"]),
        ((0.625, 0.37499999999999994), ["0.625", "0.375"]),
        ((1 / 3, 1 / 3, 1 / 3), ["0.334", "0.333", "0.333"]),
        ((1.0,), ["1.00"]),
    ],
)
def test_weights_add_up_and_none_is_cut(weights, shown):
    assert words.shares(weights) == shown
    assert sum(map(float, shown)) == pytest.approx(1)


@pytest.mark.parametrize(
    ("expression", "why", "more"),
    [
        ("mean(score) >= 0.9", "mean(score) is 0.5, but needed >= 0.9 (2 cases; lowest: a 0.1)",
         "is 0.5 (2 cases; lowest: a 0.1)"),
        ("count() == 1", "count() is 1, as needed == 1", "is 1"),
        ("mean(score) >= 0.9", "mean(score) is undefined, needed >= 0.9: no case", "is undefined: no case"),
        ("not (count() > 1)", "not (count() is 2, but needed > 1)", "not (count() is 2, but needed > 1)"),
        ("a plugin's", "its own words", "its own words"),
    ],
)  # fmt: skip
def test_the_reason_of_a_gate_repeats_no_number(expression, why, more):
    assert words.gate_reason(expression, why) == more


def test_one_attempt_says_nothing_about_stability():
    row = {"stability": 1.0, "status": "ok", "attempts": 1, "hash_seeds": 1, "stability_bound": 0.95, "confirmed": None}
    assert words.stability(row) == ""
    assert words.stability_sentence(row) == "(1 attempt, 1 hash seed)"
    assert words.stability(row | {"attempts": 2}) == "p<95%"


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("ok", "its failure rate is below 64 % at 95 % confidence"),
        ("wrong", ""),
        ("skipped", ""),
    ],
)
def test_only_a_case_that_passes_excludes_a_failure_rate(status, said):
    row = {"status": status, "attempts": 3, "stability": 1.0, "stability_bound": 0.632, "confirmed": 0}
    assert words.failure_rate(row) == said
