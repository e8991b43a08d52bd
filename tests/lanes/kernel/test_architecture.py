"""Occupancy, compared with the CUDA occupancy calculator."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.lanes.kernel.architecture import ARCHITECTURES

HOPPER = ARCHITECTURES["sm_90a"]


@pytest.mark.parametrize(
    ("registers", "shared", "threads", "expected"),
    [
        (32, 0, 1024, 1.0),
        (64, 0, 256, 0.5),
        (168, 164_328, 384, 12 / 64),
        (255, 0, 256, 8 / 64),
        (16, 232_448, 128, 4 / 64),
        (16, 232_449, 128, 0.0),
        (255, 0, 1024, 0.0),
    ],
)
def test_hopper(registers: int, shared: int, threads: int, expected: float) -> None:
    assert HOPPER.occupancy(registers=registers, shared_bytes=shared, threads=threads) == pytest.approx(expected)


@settings(max_examples=50, deadline=None)
@given(st.sampled_from(sorted(ARCHITECTURES)), st.integers(1, 255), st.integers(0, 240_000), st.integers(1, 1024))
def test_more_of_anything_never_gives_more_occupancy(name: str, registers: int, shared: int, threads: int) -> None:
    card = ARCHITECTURES[name]
    found = card.occupancy(registers=registers, shared_bytes=shared, threads=threads)
    assert 0 <= found <= 1
    assert card.occupancy(registers=registers + 8, shared_bytes=shared, threads=threads) <= found
    assert card.occupancy(registers=registers, shared_bytes=shared + 1024, threads=threads) <= found
