"""Inputs: samples the inputs of a question; a plan gives the same bits in every process with the same torch and device.

Only the reference process and the kernel's process call this, so pytest's own process does not import torch.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

GUARD_BYTES = 256
"""Bytes of NaN (or the largest integer) on both sides of every input, which show reads out of bounds; a multiple of
every alignment that a kernel may rely on."""


def sample_inputs(plan: dict[str, Any], device: str, *, only: Sequence[int] | None = None) -> list[torch.Tensor]:
    """The inputs of one question, each in separate storage with guards around it.

    Args:
        plan: See `Question.plan`.
        only: The positions of those to sample; all by default.
    """
    import torch

    inputs = []
    for index, tensor in enumerate(plan["inputs"]):
        if only is not None and index not in only:
            continue
        # What host code may know is sampled on the CPU, where it is sampled for the recorder as well.
        place = "cpu" if tensor.get("host") else device
        generator = torch.Generator(device=place)
        generator.manual_seed((plan["seed"] + index * 0x9E3779B97F4A7C15) % (1 << 63))
        values = _numbers(tensor, plan["family"], generator, place).to(device)
        if plan["precision"] == "tf32" and tensor["dtype"] == "float32":
            values = _to_tf32(values)
        inputs.append(_place(values.to(getattr(torch, tensor["dtype"])), tensor["layout"]))
    return inputs


def _numbers(tensor: dict[str, Any], family: str, generator: torch.Generator, device: str) -> torch.Tensor:
    import torch

    sizes, kind = tensor["sizes"], tensor["values"]
    options: dict[str, Any] = {"generator": generator, "device": device}
    if kind == "below":
        return torch.randint(0, tensor["bound"], sizes, **options)
    if kind == "offsets":
        count = math.prod(sizes)
        cuts = torch.randint(0, tensor["bound"] + 1, (max(0, count - 2),), **options).sort().values
        ends = torch.tensor([0, tensor["bound"]], device=device)
        return torch.cat([ends[:1], cuts, ends[1:]])[:count].reshape(sizes)
    if kind == "each":
        return torch.full(tuple(sizes), tensor["number"], device=device)
    if kind == "uniform":
        return torch.rand(sizes, **options) * float(tensor["scale"])
    normal = torch.randn(sizes, **options) * float(tensor["scale"])
    if tensor["dtype"] == "bool":
        return normal > 0
    return normal.abs() if kind == "positive" else _as_family(normal, family, options)


def _as_family(normal: torch.Tensor, family: str, options: dict[str, Any]) -> torch.Tensor:
    """Change normal numbers into a family on which numerical shortcuts fail."""
    import torch

    if family == "normal" or not normal.numel() or not normal.dim():
        return normal
    uniform = torch.rand(normal.shape, **options)
    if family == "wide":  # six binary orders of magnitude
        return normal * torch.exp2(6 * uniform - 3)
    if family == "spikes":
        return torch.where(uniform < 0.01, normal * 8, normal)
    if family == "alternating":  # sums with much cancellation
        signs = 1 - 2 * (torch.arange(normal.shape[-1], device=normal.device) % 2)
        return normal.abs() * signs
    if family == "sparse":
        return torch.where(uniform < 0.9, torch.zeros_like(normal), normal)
    column = int(torch.randint(0, normal.shape[-1], (1,), **options))  # one_hot: all but one column is zero
    kept = torch.zeros_like(normal)
    kept[..., column] = normal[..., column]
    return kept


def _to_tf32(values: torch.Tensor) -> torch.Tensor:
    """Round to the ten bits of mantissa that TensorFloat-32 keeps, so that its products are exact."""
    import torch

    bits = values.float().contiguous().view(torch.int32)
    return ((bits + 0x1000) & ~0x1FFF).view(torch.float32)


def _place(values: torch.Tensor, layout: list[int]) -> torch.Tensor:
    """Copy the values into new storage, in their layout, with guards on both sides."""
    import torch

    guard = GUARD_BYTES // values.element_size()
    buffer = torch.empty(values.numel() + 2 * guard, dtype=values.dtype, device=values.device)
    buffer.fill_(poison(values.dtype))
    inner = buffer[guard : guard + values.numel()]
    stored = inner.view([values.shape[axis] for axis in layout])
    back = [layout.index(axis) for axis in range(len(layout))]
    placed = stored.permute(back)
    placed.copy_(values)
    return placed


def poison(dtype: torch.dtype) -> float | int | bool:
    """The value of memory that a kernel must not read: NaN, or the largest integer of the dtype."""
    import torch

    if dtype.is_floating_point:
        return math.nan
    return True if dtype is torch.bool else torch.iinfo(dtype).max


def strides_of(sizes: list[int], layout: list[int]) -> list[int]:
    """The strides of a dense tensor whose axes lie in memory in this order, slowest first."""
    strides = [0] * len(sizes)
    step = 1
    for axis in reversed(layout):
        strides[axis] = step
        step *= max(1, sizes[axis])
    return strides
