"""A gate passes or fails for a number, gives the reason, and never passes without a number."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from harness.core.gate import Gate
from harness.core.number import readable

NUMBERS = st.floats(-1e9, 1e9)


@given(NUMBERS, NUMBERS)
def test_a_lower_bound_holds_when_it_is_reached(threshold, observed):
    result = Gate(name="g", threshold=threshold).evaluate(observed)
    assert result.passed is (observed >= threshold)
    assert (result.name, result.threshold, result.observed) == ("g", threshold, observed)


@given(NUMBERS, NUMBERS)
def test_an_upper_bound_holds_unless_it_is_exceeded(threshold, observed):
    assert Gate(name="g", threshold=threshold, at_most=True).evaluate(observed).passed is (observed <= threshold)


@given(NUMBERS, st.booleans())
def test_exactly_at_the_bound_it_holds(threshold, at_most):
    assert Gate(name="g", threshold=threshold, at_most=at_most).evaluate(threshold).passed


@given(NUMBERS, st.booleans())
def test_what_is_undefined_fails(threshold, at_most):
    result = Gate(name="speed", threshold=threshold, at_most=at_most).evaluate(None, because="nothing was timed")
    assert not result.passed
    assert result.observed is None
    assert result.why.startswith("speed is undefined, needed ")
    assert result.why.endswith(": nothing was timed")


@pytest.mark.parametrize(
    ("at_most", "observed", "why"),
    [
        (False, 0.5, "speed 0.5 fails >= 0.9: because"),
        (False, 0.95, "speed 0.95 passes >= 0.9"),
        (True, 0.95, "speed 0.95 fails <= 0.9: because"),
        (True, 0.5, "speed 0.5 passes <= 0.9"),
        (False, None, "speed is undefined, needed >= 0.9: because"),
        (True, None, "speed is undefined, needed <= 0.9: because"),
    ],
)
def test_it_says_why_and_gives_reasons_only_for_a_failure(at_most, observed, why):
    assert Gate(name="speed", threshold=0.9, at_most=at_most).evaluate(observed, because="because").why == why


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_nan_and_infinity_hold_nothing(value):
    with pytest.raises(ValidationError):
        Gate(name="g", threshold=value)
    with pytest.raises(ValidationError):
        Gate(name="g", threshold=0).evaluate(value)


@given(st.floats(-1e300, 1e300), st.floats(-1e6, 1e6))
def test_a_number_never_reads_as_a_bound_that_it_does_not_meet(value, threshold):
    shown = float(readable(value, threshold=threshold).replace(",", ""))
    assert (shown == threshold) <= (abs(value - threshold) <= 1e-8 * max(1.0, abs(threshold)))
    assert abs(shown - value) <= 0.0005 * max(1.0, abs(value))
