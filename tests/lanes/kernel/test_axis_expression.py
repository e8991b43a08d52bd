"""Axis expressions: integer arithmetic, and errors for everything else."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.lanes.kernel.axis_expression import evaluate

NAMES = {"M": 4, "N": 3, "causal": True}


@pytest.mark.parametrize(
    "text",
    [
        "M.real", "f(M)", "M / 2", "Z", "'a'", "True", "M if M else M", "(" * 300, "M // 0", "M ** M", "-M", "1.5", "",
        "M M", "1" * 600, "999999999999 * 999999999999 * 999999999999",
    ],
)  # fmt: skip
def test_only_arithmetic(text: str) -> None:
    with pytest.raises(ValueError, match="is not arithmetic"):
        evaluate(text, NAMES)


def test_what_it_knows() -> None:
    assert evaluate("4 * M * (N + 1) // (1 + causal) - 2", NAMES) == 30
    assert evaluate(7, {}) == 7


expressions = st.recursive(
    st.integers(0, 99).map(str) | st.sampled_from(["M", "N"]),
    lambda inner: st.tuples(inner, st.sampled_from("+-*"), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(expressions)
def test_agrees_with_python(text: str) -> None:
    assert evaluate(text, NAMES) == eval(text, {"__builtins__": {}}, dict(NAMES))
