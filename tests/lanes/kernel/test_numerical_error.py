"""The bound of an answer's error, as a whole and in each tile."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.lanes.kernel.numerical_error import compare_output, is_far
from harness.lanes.kernel.reference import Expected, compare_outputs

if TYPE_CHECKING:
    import torch

pytestmark = pytest.mark.usefixtures("with_torch")


def truth(seed: int = 0, size: int = 200):
    return torch.randn(size, size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize(
    ("name", "lower"), [("float32", "float16"), ("float16", "bfloat16"), ("bfloat16", "float8_e4m3fn")]
)
def test_the_rounded_truth_is_right_and_the_next_lower_precision_is_not(name, lower) -> None:
    exact, dtype, coarse = truth(), getattr(torch, name), getattr(torch, lower)
    assert compare_output(exact.to(dtype), exact, exact.to(dtype), times=2)["right"]
    found = compare_output(exact.to(coarse).to(dtype), exact, exact.to(dtype), times=2)
    assert not found["right"]
    assert found["error"] > found["allowed"]


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 199), st.integers(0, 199), st.sampled_from([float("nan"), float("inf"), -float("inf")]))
def test_one_element_that_is_not_finite_is_never_right(row: int, column: int, value: float) -> None:
    exact = truth()
    spoiled = exact.float()
    spoiled[row, column] = value
    found = compare_output(spoiled, exact, exact.float(), times=2)
    assert not found["right"]
    assert found["error"] is None


@settings(max_examples=40, deadline=None)
@given(st.floats(-9, 1), st.integers(1, 40), st.floats(0, 2), st.sampled_from(["float32", "float16"]))
def test_what_is_far_is_never_right_however_much_sensitivity_adds(exponent, size, share, name) -> None:
    exact, dtype = truth(size=size), getattr(torch, name)
    noise = truth(1, size) * 10.0**exponent
    observed, change = (exact + noise).to(dtype), torch.full_like(exact, share)  # above the limit as well
    given_up = is_far(observed, exact, exact.to(dtype), times=2)
    found = compare_output(observed, exact, exact.to(dtype), times=2, sensitivity=lambda: change)
    assert not (given_up and found["right"])
    assert given_up or exponent < 0
    assert not given_up or exponent > -8


def test_a_part_that_is_left_out_is_seen_however_small_it_is_beside_the_whole() -> None:
    exact = truth(size=512)
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


SPARSE = "sparse"


def product(seed: int, kind: str, rows: int, inner: int):
    """Operands with ten bits of fraction, as TF32 has, so that products are exact and only sums round."""
    generator = torch.Generator().manual_seed(seed)
    a, b = torch.randn(rows, inner, generator=generator), torch.randn(inner, rows, generator=generator)
    if kind == SPARSE:
        a, b = (torch.where(torch.rand(x.shape, generator=generator) < 0.9, 0.0, x) for x in (a, b))
    else:
        a = a.abs() * (1 - 2 * (torch.arange(inner) % 2))
    a, b = ((x.contiguous().view(torch.int32) >> 13 << 13).view(torch.float32) for x in (a, b))
    expected = Expected(torch.matmul, torch.matmul, [a, b], {"seed": seed, "parameters": {}, "outputs": ["c"]})
    return a, b, expected


def judged(observed, expected) -> bool:
    return compare_outputs([observed], expected, times=2)[0]["right"]


CASES = [(SPARSE, 33, 64), ("alternating", 1, 60)]


@pytest.mark.parametrize(("kind", "rows", "inner"), CASES)
def test_sums_in_another_order_are_right_where_terms_cancel(kind: str, rows: int, inner: int) -> None:
    """Where PyTorch was lucky, its error says nothing about another right order: here it is always lucky."""
    needed = 0
    for seed in (1, 10, 106, 130, 132, 138):
        a, b, expected = product(seed, kind, rows, inner)
        expected.usual = expected.single = [expected.truths[0].float()]
        sums = torch.zeros(rows, rows)
        for start in range(0, inner, 16):
            sums = sums + a[:, start : start + 16] @ b[start : start + 16]
        assert judged(sums, expected), seed
        needed += not compare_output(sums, expected.truths[0], expected.usual[0], times=2)["right"]
    assert needed, "sensitivity decided nothing"


@pytest.mark.parametrize(("kind", "rows", "inner"), CASES)
def test_less_precise_or_missing_terms_stay_wrong_where_terms_cancel(kind: str, rows: int, inner: int) -> None:
    for seed in range(5):
        a, b, expected = product(seed, kind, rows, inner)
        exact = (a @ b).clone()
        last = exact.clone()
        row, column = divmod(int(exact.abs().argmax()), rows)
        last[row, column] *= 1 + 2.0**-12
        for observed in (a.bfloat16().float() @ b.bfloat16().float(), exact.half().float(), a[:, 9:] @ b[9:], last):
            assert not judged(observed, expected), seed


def test_a_reference_that_jumps_allows_no_jump() -> None:
    """Rounding to whole numbers is as sensitive as can be next to one half; an answer one off is wrong all the same."""
    inputs = [torch.full((64, 64), 2.5)]
    plan = {"seed": 1, "parameters": {}, "outputs": ["y"]}
    expected = Expected(_rounded, _rounded, inputs, plan)
    assert float(expected.sensitivity(0).max()) > 0.1
    off = expected.truths[0].float()
    off[3, 3] -= 1
    assert not judged(off, expected)


def _rounded(x):
    return (x.double() + 2.0**-30).round().to(x.dtype)
