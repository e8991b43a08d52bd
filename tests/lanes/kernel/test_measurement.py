"""What follows from the samples of timed rounds."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.lanes.kernel.measurement import Ceilings, Measurement, Rounds, fast_p, summarise

CEILINGS = Ceilings(bytes_per_s=4e12, tflops={"bfloat16": 800.0}, l2_bytes=60 << 20)
FLOPS, BYTES = 2 * 8192**3, 3 * 2 * 8192**2
FLOOR = FLOPS / 800e12 * 1000


def measured(kernel: list[list[float]], baseline: list[list[float]], *, dtype: str = "bfloat16") -> Measurement:
    return summarise(
        Rounds(kernel=tuple(map(tuple, kernel)), baseline=tuple(map(tuple, baseline))), CEILINGS,
        target="t", dtype=dtype, flops=FLOPS, bytes=BYTES, fastest="eager", baselines={"eager": 1.5}, absent={},
    )  # fmt: skip


def test_a_steady_measurement() -> None:
    found = measured([[1.5, 1.5, 1.6]] * 6, [[3.0, 3.0, 2.9]] * 6)
    assert found.speedup == pytest.approx(2.0)
    assert found.interval == (pytest.approx(2.0), pytest.approx(2.0))
    assert found.tflops == pytest.approx(FLOPS / 1.5e-3 / 1e12)
    assert found.light == pytest.approx(FLOOR / 1.5)
    assert Measurement.from_wire(found.to_wire()) == found


def test_the_score_is_one_half_at_the_baseline_and_one_at_the_speed_of_light() -> None:
    assert measured([[2.0]] * 6, [[2.0]] * 6).sol == pytest.approx(0.5)
    assert measured([[FLOOR]] * 6, [[2.0]] * 6).sol == pytest.approx(1.0)
    slow = measured([[20.0]] * 6, [[2.0]] * 6).sol
    assert slow is not None
    assert 0 < slow < 0.05


def test_noise_and_missing_ceilings_are_undefined_not_zero() -> None:
    noisy = measured([[1.0], [2.0], [1.0], [3.0], [1.0], [2.0]], [[2.0]] * 6)
    assert (noisy.speedup, noisy.sol) == (None, None)
    assert noisy.interval is not None
    unknown = measured([[1.5]] * 6, [[3.0]] * 6, dtype="float16")
    assert unknown.speedup == pytest.approx(2.0)
    assert (unknown.light, unknown.sol, unknown.floor_ms) == (None, None, 0.0)


def test_what_fits_into_the_cache_is_not_held_to_the_memorys_bandwidth() -> None:
    assert CEILINGS.floor_ms(flops=0, bytes_moved=60 << 20, precision="bfloat16") == 0
    assert CEILINGS.floor_ms(flops=0, bytes_moved=4_000_000_000, precision="bfloat16") == pytest.approx(1.0)


@settings(max_examples=40, deadline=None)
@given(st.floats(0.1, 50), st.floats(0.1, 50))
def test_faster_never_scores_less(one: float, other: float) -> None:
    slow, fast = max(one, other), min(one, other)
    baseline = [[5.0]] * 4
    worse, better = measured([[slow]] * 4, baseline).sol, measured([[fast]] * 4, baseline).sol
    assert worse is not None
    assert better is not None
    assert worse <= better


def test_fast_p_counts_what_has_no_speed_against_it() -> None:
    assert fast_p([0.5, 1.2, None, 2.1], 1.0) == 0.5
    assert fast_p([], 1.0) is None
