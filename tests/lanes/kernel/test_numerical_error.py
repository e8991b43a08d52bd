"""The bound of an answer's error, as a whole and in each tile."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="pip install 'pytest-crucible[kernels]'")
from harness.lanes.kernel.numerical_error import compare_output  # noqa: E402


def truth(seed: int = 0, size: int = 200):
    return torch.randn(size, size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_the_rounded_truth_is_right_and_the_next_lower_precision_is_not(dtype) -> None:
    exact = truth()
    assert compare_output(exact.to(dtype), exact, exact.to(dtype), times=2)["right"]
    coarse = {torch.float32: torch.float16, torch.float16: torch.bfloat16, torch.bfloat16: torch.float8_e4m3fn}[dtype]
    found = compare_output(exact.to(coarse).to(dtype), exact, exact.to(dtype), times=2)
    assert not found["right"]
    assert found["error"] > found["allowed"]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 199), st.integers(0, 199), st.sampled_from([float("nan"), float("inf"), -float("inf")]))
def test_one_element_that_is_not_finite_is_never_right(row: int, column: int, value: float) -> None:
    exact = truth()
    spoiled = exact.float()
    spoiled[row, column] = value
    found = compare_output(spoiled, exact, exact.float(), times=2)
    assert not found["right"]
    assert found["error"] is None


def test_a_part_that_is_left_out_is_seen_however_small_it_is_beside_the_whole() -> None:
    exact = truth(size=2048)
    exact[:32, :32] *= 1e-4  # far below what the whole's error would show
    skipped = exact.half()
    skipped[:32, :32] = 0
    found = compare_output(skipped, exact, exact.half(), times=2)
    assert found["error"] <= found["allowed"]
    assert not found["right"]
    assert found["tile_error"] == pytest.approx(1.0)


def test_whole_numbers_must_be_equal() -> None:
    exact = torch.arange(10)
    assert compare_output(exact.int(), exact, exact, times=2)["right"]
    other = exact.clone()
    other[3] = 9
    assert compare_output(other, exact, exact, times=2)["error"] == pytest.approx(0.1)


def test_zero_is_right_only_where_the_truth_is_zero() -> None:
    nothing = torch.zeros(40, 40, dtype=torch.float64)
    assert compare_output(nothing.float(), nothing, nothing.float(), times=2)["right"]
    exact = truth(size=40)
    for trivial in (torch.zeros(40, 40), torch.ones(40, 40)):
        assert not compare_output(trivial, exact, exact.float(), times=2)["right"]


def test_an_empty_answer_and_a_reference_of_another_shape() -> None:
    empty = torch.empty(0, 3, dtype=torch.float64)
    assert compare_output(empty.float(), empty, empty.float(), times=2)["right"]
    with pytest.raises(ValueError, match="the definition says"):
        compare_output(torch.zeros(2), torch.zeros(3, dtype=torch.float64), torch.zeros(3), times=2)
