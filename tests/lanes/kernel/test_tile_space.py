"""The order of a tile space."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.lanes.kernel import tile_space

spaces = st.dictionaries(
    st.sampled_from(["BLOCK_M", "BLOCK_N", "GROUP", "num_warps"]),
    st.lists(st.integers(1, 512), min_size=1, max_size=4, unique=True).map(tuple),
    max_size=4,
)


@given(spaces)
def test_every_configuration_once_in_one_order(space: dict[str, tuple[int, ...]]) -> None:
    found = tile_space.configurations(space)
    assert len(found) == tile_space.size(space) == len({tuple(one.items()) for one in found})
    assert [tile_space.at(space, index) for index in range(len(found))] == found
    assert all(list(one) == list(space) for one in found)


@given(spaces, st.integers(1, 20))
def test_a_sample_is_a_part_of_the_space_in_its_order_and_always_the_same(
    space: dict[str, tuple[int, ...]], most: int
) -> None:
    whole, some = tile_space.configurations(space), tile_space.configurations(space, most=most)
    places = [whole.index(one) for one in some]
    assert places == sorted(set(places))
    assert len(some) == min(most, len(whole))
    assert some == tile_space.configurations(space, most=most)


def test_nothing_to_tune_is_one_configuration() -> None:
    assert tile_space.configurations({}) == [{}]
    assert tile_space.label({}) == "(nothing to tune)"
    assert tile_space.label({"BLOCK_M": 64, "FLAT": True}) == "BLOCK_M=64 FLAT=True"
