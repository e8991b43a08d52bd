"""Places: feasibility first, then score, then time; what noise hides is shared."""

from __future__ import annotations

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from harness.core.ranking import Place, Standing, places, ranked

unit = st.floats(0, 1)


@st.composite
def standings(draw):
    score = draw(st.sampled_from([0.5, 0.8, 1.0]) | unit)
    low, high = (draw(st.just(0.0) | st.floats(0, 0.3)) for _ in range(2))
    time = draw(st.sampled_from([1.0, 2.0, math.inf]) | st.floats(0.1, 9))
    spread = draw(st.just(0.0) | st.floats(0, 2))
    return Standing(draw(st.booleans()), score, score - low, score + high, max(0.0, time - spread), time + spread)


def surely_better(one, other):
    if one.passed is not other.passed:
        return one.passed
    if one.low > other.high:
        return True
    same = (one.score, one.low, one.high) == (other.score, other.low, other.high)
    return same and one.worst_ms < other.best_ms


@settings(max_examples=200, deadline=None)
@given(st.lists(standings(), max_size=14))
def test_places_count_who_is_surely_better_and_who_surely_worse(found):
    for one, place in zip(found, places(found), strict=True):
        assert place.rank == 1 + sum(surely_better(other, one) for other in found)
        assert place.worst == len(found) - sum(surely_better(one, other) for other in found)
        assert 1 <= place.rank <= place.worst <= len(found)


@given(st.lists(standings(), min_size=1, max_size=9))
def test_somebody_is_first_and_failing_never_precedes_passing(found):
    known = places(found)
    assert min(place.rank for place in known) == 1
    for one, place in zip(found, known, strict=True):
        if not one.passed:
            assert place.rank > sum(other.passed for other in found)


def row(name, score, *, passed=True, **more):
    return {"subject": name, "score": score, "passed": passed, **more}


def test_ties_within_noise_share_a_rank():
    found = ranked(
        [
            row("quick", 1.0, median_ms=1.0, median_low_ms=0.9, median_high_ms=1.2),
            row("alike", 1.0, median_ms=1.1, median_low_ms=1.0, median_high_ms=1.3),
            row("slow", 1.0, median_ms=5.0, median_low_ms=4.0, median_high_ms=6.0),
            row("unsure", 0.9, score_low=0.7, score_high=1.1),
            row("failing", 1.0, passed=False),
        ]
    )
    assert [(r["subject"], str(place)) for place, r in found] == [
        ("quick", "1–3"),  # noqa: RUF001
        ("alike", "1–3"),  # noqa: RUF001
        ("unsure", "1–4"),  # noqa: RUF001
        ("slow", "3–4"),  # noqa: RUF001
        ("failing", "5"),
    ]


def test_without_noise_places_are_plain_numbers():
    found = ranked([row("b", 0.8), row("a", 0.9), row("unscored", None, passed=False)])
    assert [place for place, _ in found] == [Place(1, 1), Place(2, 2), Place(3, 3)]
