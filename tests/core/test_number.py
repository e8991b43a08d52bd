"""What a person may write where an option asks for a number."""

from __future__ import annotations

import argparse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.number import MAX_INTEGER, amount, offset, whole


@given(st.integers(), st.integers(-10, 10), st.integers(11, 100))
def test_a_whole_number_is_within_its_bounds_or_refused(number, least, most):
    for text in (str(number), f" {number} "):
        if least <= number <= most:
            assert whole(least, most)(text) == number
        else:
            with pytest.raises(argparse.ArgumentTypeError, match="than"):
                whole(least, most)(text)


def test_an_offset_may_be_hexadecimal_and_a_count_may_not():
    assert offset("0x0C") == offset("12") == 12
    for text in ("0x", "0xg", "-0x1", "-1", "1_0", hex(MAX_INTEGER + 1), "0x" + "9" * 5000):
        with pytest.raises(argparse.ArgumentTypeError):
            offset(text)


@pytest.mark.parametrize(
    "text", ["", "x", "1.5", "1e3", "0x10", "0xg", "1_0", "٣", "--", "9" * 5000, str(MAX_INTEGER + 1), "-1"]
)
def test_what_is_no_whole_number(text):
    with pytest.raises(argparse.ArgumentTypeError):
        whole()(text)


@pytest.mark.parametrize("text", ["", "x", "nan", "inf", "-inf", "-0.1", "1e400"])
def test_what_is_no_amount(text):
    with pytest.raises(argparse.ArgumentTypeError):
        amount()(text)


@given(st.floats(0, 1e300))
def test_an_amount_is_itself(number):
    assert amount()(repr(number)) == number
