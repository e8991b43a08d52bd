"""The roofline of a card."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.errors import UsageError
from harness.lanes.kernel.architecture import ARCHITECTURES
from harness.lanes.kernel.device_limits import DEFAULT, DEVICES, find_device

amounts = st.floats(1, 1e15)


def test_a_large_product_is_bound_by_arithmetic_and_a_copy_by_memory() -> None:
    card = find_device("H200")
    product = card.floor(flops=2 * 8192**3, bytes_moved=6 * 8192**2, precision="bfloat16")
    assert (product.bound, round(product.seconds * 1e3, 3)) == ("compute", 1.112)
    copy = card.floor(flops=1e6, bytes_moved=1e9, precision="bfloat16")
    assert (copy.bound, copy.seconds) == ("memory", pytest.approx(1e9 / 4.8e12))


@given(flops=amounts, moved=amounts, more=st.floats(1, 100))
def test_more_work_never_takes_less(flops: float, moved: float, more: float) -> None:
    card = DEVICES[DEFAULT]
    least = card.floor(flops=flops, bytes_moved=moved, precision="float16")
    assert least.bound == ("compute" if least.intensity >= least.ridge * (1 - 1e-9) else "memory") or least.seconds > 0
    assert card.floor(flops=flops * more, bytes_moved=moved, precision="float16").seconds >= least.seconds
    assert card.floor(flops=flops, bytes_moved=moved * more, precision="float16").seconds >= least.seconds


def test_every_card_is_of_a_known_architecture_and_has_a_rate_for_every_precision() -> None:
    for card in DEVICES.values():
        assert card.architecture in ARCHITECTURES
        assert set(card.tflops) == {"float16", "bfloat16", "tf32", "float32"}
        assert card.cache_tbs > card.memory_tbs


@pytest.mark.parametrize(("text", "says"), [("NVIDIA", "several cards"), ("Voodoo", "no card")])
def test_a_card_that_is_not_one_is_named(text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says) as caught:
        find_device(text)
    assert "NVIDIA" in caught.value.fix


def test_a_precision_without_a_rate_is_an_error_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="float8") as caught:
        DEVICES[DEFAULT].floor(flops=1, bytes_moved=1, precision="float8")
    assert "bfloat16" in caught.value.fix
