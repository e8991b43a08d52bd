"""pass@k and pass^k are what drawing k of n candidates gives."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.pass_rate import pass_all, pass_at

COUNTS = st.integers(0, 7).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total)))


@given(COUNTS, st.integers(1, 7))
def test_they_are_the_shares_of_all_draws(counts, k):
    passed, total = counts
    draws = list(combinations([True] * passed + [False] * (total - passed), k))
    if not draws:
        assert pass_at(k, passed=passed, total=total) is pass_all(k, passed=passed, total=total) is None
        return
    assert pass_at(k, passed=passed, total=total) == pytest.approx(sum(map(any, draws)) / len(draws))
    assert pass_all(k, passed=passed, total=total) == pytest.approx(sum(map(all, draws)) / len(draws))


def test_the_plug_in_estimate_is_biased_and_this_is_not():
    assert pass_at(2, passed=1, total=2) == 1.0  # 1 - (1 - 1/2)**2 would say 0.75


@pytest.mark.parametrize("wrong", [{"k": 0}, {"passed": 3}, {"passed": -1}])
@pytest.mark.parametrize("rate", [pass_at, pass_all])
def test_nonsense_is_refused(wrong, rate):
    given = {"k": 1, "passed": 1, "total": 2} | wrong
    with pytest.raises(ValueError):
        rate(given["k"], passed=given["passed"], total=given["total"])
