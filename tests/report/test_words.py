"""Numbers as people read them."""

from __future__ import annotations

import pytest

from harness.report import words


@pytest.mark.parametrize(
    ("value", "told"),
    [(None, "undefined"), (229408, "229,408"), (0.98765, "0.9877"), (1, "1"), (-2.5, "-2.5"), (1e300, "1e+300")],
)
def test_what_a_gate_observed_is_told_whole_if_it_is(value: float | None, told: str) -> None:
    assert words.measured(value) == told
    assert words.measured(float("inf")) == "inf"
