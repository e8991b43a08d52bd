"""Processing: inverse pairs, bounded output, and clear reasons."""

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.grammar.processing import PROCESSORS, Inflated, ProcessError


@given(st.binary(max_size=50), st.binary(min_size=1, max_size=5), st.integers(0, 20))
def test_what_is_done_twice_or_turned_back_is_undone(data: bytes, key: bytes, by: int) -> None:
    xor, left, right = (PROCESSORS[name].apply for name in ("xor", "rol", "ror"))
    assert xor(xor(data, 100, key), 100, key) == data
    assert xor(data, 100, key[0]) == xor(data, 100, key[:1])
    assert right(left(data, 100, by), 100, by) == data


def test_inflation_is_bounded_and_says_so() -> None:
    packed = zlib.compress(bytes(10_000))
    assert PROCESSORS["zlib"].apply(packed, 10_000) == Inflated(bytes(10_000), len(packed))
    assert PROCESSORS["zlib"].apply(packed + b"after", 10_000) == Inflated(bytes(10_000), len(packed))
    with pytest.raises(ProcessError, match="more than 9999") as caught:
        PROCESSORS["zlib"].apply(packed, 9_999)
    assert (caught.value.limit, len(caught.value.partial)) == (True, 9_999)


def test_what_ends_early_keeps_what_came_out() -> None:
    packed = zlib.compress(bytes(range(256)))
    with pytest.raises(ProcessError, match="truncated") as caught:
        PROCESSORS["zlib"].apply(packed[:-6], 10_000)
    assert bytes(range(256)).startswith(caught.value.partial)


@pytest.mark.parametrize("key", [b"", "text", 1.5, -1, [300]])
def test_a_key_that_is_none_is_refused(key: object) -> None:
    with pytest.raises(ProcessError):
        PROCESSORS["xor"].apply(b"ab", 10, key)
