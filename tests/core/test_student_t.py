"""Quantiles against a printed table (Abramowitz and Stegun, table 26.10)."""

from __future__ import annotations

import pytest

from harness.core.student_t import upper_quantile


@pytest.mark.parametrize(
    ("tail", "freedom", "expected"),
    [(0.025, 1, 12.706), (0.025, 2, 4.303), (0.025, 4, 2.776), (0.005, 10, 3.169), (0.05, 30, 1.697)],
)  # fmt: skip
def test_it_is_what_the_table_says(tail: float, freedom: int, expected: float) -> None:
    assert upper_quantile(tail, freedom) == pytest.approx(expected, abs=6e-4)


@pytest.mark.parametrize(("tail", "freedom"), [(0.0, 3), (0.5, 3), (0.1, 0)])
def test_what_has_no_quantile(tail: float, freedom: int) -> None:
    with pytest.raises(ValueError, match="no quantile"):
        upper_quantile(tail, freedom)
