"""The log of a kernel's calls: operators, and reads of elements that no kernel needs."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from harness.lanes.kernel.kernel_worker import OperatorLog  # noqa: E402 - needs torch


def test_sizes_that_were_given_may_be_read_and_no_other_numbers() -> None:
    numbers, sizes = torch.randn(4), torch.tensor([3, 1])
    with OperatorLog([numbers, sizes]) as log:
        assert [int(one) for one in sizes] == [3, 1]
        assert int(sizes[0]) == 3
    assert "item of numbers" not in log.names
    with OperatorLog([numbers, sizes]) as log:
        bits = [int(one) for one in [*numbers.view(torch.int32), sizes[0]]]
    assert len(bits) == 5
    assert "item of numbers" in log.names
    with OperatorLog([numbers]) as log:
        float(numbers[0])
    assert "item of numbers" in log.names


@pytest.mark.parametrize("write", [str, repr, "{}".format, lambda x: f"{x}", lambda x: f"{x[0]}"])
def test_a_text_of_a_tensor_is_noted_and_of_its_sizes_is_not(write) -> None:
    numbers = torch.randn(4)
    with OperatorLog([numbers]) as log:
        write(numbers)
    assert {"text of numbers", "item of numbers"} & log.names
    with OperatorLog([numbers]) as log:
        f"{tuple(numbers.shape)} {numbers.dtype}"
    assert not log.names
    assert str(numbers).startswith("tensor(")
