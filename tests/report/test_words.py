"""Numbers as people read them."""

from __future__ import annotations

import pytest

from harness.report import words


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, "undefined"), (229408, "229,408"), (0.98765, "0.9877"), (1, "1"), (-2.5, "-2.5"), (1e300, "1e+300")],
)
def test_integers_of_gates_are_shown_in_full(value: float | None, shown: str) -> None:
    assert words.measured(value) == shown
    assert words.measured(float("inf")) == "inf"
