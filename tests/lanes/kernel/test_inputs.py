"""Inputs: the same bits for the same plan, in their layout, with guards around them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

from harness.lanes.kernel.definition import FAMILIES
from harness.lanes.kernel.inputs import sample_inputs, strides_of

if TYPE_CHECKING:
    import torch

pytestmark = pytest.mark.usefixtures("with_torch")

TENSOR = {"sizes": [6, 8], "dtype": "float32", "layout": [0, 1], "scale": 1.0, "values": "normal"}


def plan(*tensors: dict, **changed: object) -> dict:
    return {"inputs": list(tensors), "family": "normal", "seed": 11, "precision": "float32"} | changed


@pytest.mark.parametrize("family", FAMILIES)
def test_the_same_plan_gives_the_same_bits_and_another_seed_others(family: str) -> None:
    asked = plan(TENSOR, TENSOR, family=family)
    one, other = sample_inputs(asked, "cpu"), sample_inputs(asked, "cpu")
    assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))
    assert not torch.equal(one[0], one[1])
    assert not torch.equal(one[0], sample_inputs(asked | {"seed": 12}, "cpu")[0])
    assert all(torch.isfinite(t).all() for t in one)


def test_families_are_what_they_are_called() -> None:
    big = TENSOR | {"sizes": [100, 100]}
    drawn = {family: sample_inputs(plan(big, family=family), "cpu")[0] for family in FAMILIES}
    assert (drawn["sparse"] == 0).float().mean() > 0.8
    assert (drawn["one_hot"] != 0).any(0).sum() == 1
    assert (drawn["alternating"][:, ::2] >= 0).all()
    assert (drawn["alternating"][:, 1::2] <= 0).all()
    assert drawn["spikes"].abs().max() > 1.5 * drawn["normal"].abs().max()


def test_around_every_input_lies_what_nobody_may_rely_on() -> None:
    (drawn,) = sample_inputs(plan(TENSOR), "cpu")
    storage = torch.tensor(drawn.untyped_storage(), dtype=torch.uint8).view(torch.float32)
    first = drawn.storage_offset()
    assert first > 0
    assert drawn.data_ptr() % 16 == 0
    outside = torch.cat([storage[:first], storage[first + drawn.numel() :]])
    assert torch.isnan(outside).all()
    assert len(outside) >= 64


def test_layouts_and_whole_numbers() -> None:
    columns = TENSOR | {"layout": [1, 0]}
    below = TENSOR | {"dtype": "int64", "values": "below", "bound": 5}
    ends = TENSOR | {"sizes": [4], "layout": [0], "dtype": "int32", "values": "offsets", "bound": 9}
    a, b, c = sample_inputs(plan(columns, below, ends), "cpu")
    assert list(a.stride()) == strides_of([6, 8], [1, 0]) == [1, 6]
    assert 0 <= int(b.min()) <= int(b.max()) < 5
    assert (int(c[0]), int(c[-1])) == (0, 9)
    assert (c.diff() >= 0).all()


def test_tf32_inputs_have_ten_bits_of_mantissa() -> None:
    (drawn,) = sample_inputs(plan(TENSOR, precision="tf32"), "cpu")
    assert int((drawn.view(torch.int32) & 0x1FFF).sum()) == 0
    (usual,) = sample_inputs(plan(TENSOR), "cpu")
    assert math.isclose(float((drawn - usual).norm() / usual.norm()), 0, abs_tol=5e-4)
