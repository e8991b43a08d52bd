"""Byte weights: padding weighs almost nothing, and a file weighs as much as its parts."""

import itertools

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.grammar.engine import byte_weights
from harness.grammar.engine.byte_weights import UNIT, Weights


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=5))
def test_stretches_add_up_to_the_file(data: bytes, cuts: list[int]) -> None:
    weights = Weights(data)
    places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    assert sum(weights.of(a, b) for a, b in itertools.pairwise(places)) == weights.of(0, len(data))
    assert weights.total * UNIT == weights.of(0, len(data))


@given(st.binary(max_size=40).map(lambda data: data * 3) | st.text("ab", max_size=60).map(str.encode), st.data())
def test_blocks_do_not_change_the_weights(data: bytes, drawn: st.DataObject) -> None:
    whole, places = Weights(data), st.lists(st.integers(0, len(data)), max_size=8)
    starts = numpy.array(sorted(drawn.draw(places)), numpy.int64)
    ends = numpy.minimum(starts + drawn.draw(st.integers(0, 9)), len(data))
    expected = [whole.of(a, b) for a, b in zip(starts, ends, strict=True)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(byte_weights, "BLOCK", drawn.draw(st.integers(1, 9)))
        patch.setattr(byte_weights, "MAX_KEPT_BLOCKS", 2)
        cut = Weights(data)
        assert [cut.of(a, b) for a, b in zip(starts, ends, strict=True)] == expected
        assert cut.of_all(starts, ends) == sum(expected)
        assert cut.by_value.tolist() == whole.by_value.tolist()
        assert cut.by_value.sum() == cut.of(0, len(data))


def test_padding_weighs_almost_nothing() -> None:
    noise = bytes(range(256))
    padded = Weights(noise + bytes(4096))
    assert padded.of(256, 4352) < 0.1 * padded.of(0, 256)
    assert Weights(b"").total == 0.0
    assert Weights(bytes(1000)).total < 10


def test_a_frequent_byte_weighs_less_than_a_rare_one() -> None:
    weights = Weights(b"ab ac ad ae af ag ah ")
    assert weights.of(0, 1) < weights.of(1, 2)
    assert weights.total == pytest.approx(21, rel=0.05)  # on average a byte weighs one
