"""Numerical error: the distance of an answer from the reference, as a whole, in tiles and element by element.

As a whole: the relative Frobenius error is at most twice PyTorch's own error in the same precision (or the rounding
error of the reference, if that is larger). In the worst tile of 32 x 32 the bound is looser, so that no part of the
answer can be left out. An element may differ by its own rounding and by a multiple of PyTorch's largest error (beyond
rounding, or in single precision) among elements that are not larger: a tail next to large numbers must be right too. A
value that is not finite is never right, and integers must be equal.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

TILE = 32
TILE_SLACK = 4.0  # the error of few elements varies more than that of all
ELEMENT_SLACK = 8.0  # that of one element even more
NEIGHBOURS = 32  # an element is compared with PyTorch's error of at least this many


def compare_output(
    observed: torch.Tensor,
    truth: torch.Tensor,
    baseline: torch.Tensor,
    *,
    times: float,
    single: torch.Tensor | None = None,
) -> dict[str, Any]:
    """Compare one output.

    Args:
        observed: The kernel's output.
        truth: The output of the reference in double precision.
        baseline: PyTorch's output in the same precision.
        times: The bound, as a multiple of the baseline's error.
        single: PyTorch's output in single precision; the baseline by default.

    Returns:
        `right`, `error`, `baseline` (its error), `allowed`, the same for the worst tile, and `element`: the largest
        error of an element over what it may be; an error that is not finite is None, and never right.
    """
    import torch

    if tuple(observed.shape) != tuple(truth.shape):
        raise ValueError(f"the reference returns {tuple(truth.shape)}, the definition says {tuple(observed.shape)}")
    if not observed.dtype.is_floating_point:
        differing = float((observed != truth.to(observed.dtype)).double().mean()) if observed.numel() else 0.0
        return {"right": differing == 0, "error": differing, "baseline": 0.0, "allowed": 0.0, "element": None} | _tiles(
            None, None, None
        )
    least = float(torch.finfo(observed.dtype).eps) * (4.0 if observed.dtype is torch.float32 else 0.5)
    error, reference = _relative(observed, truth), _relative(baseline, truth)
    allowed = max(times * (reference or 0.0), least)
    worst, usual = _worst_tile(observed, truth), _worst_tile(baseline, truth)
    tolerated = TILE_SLACK * max(times * (usual or 0.0), least)
    finite = bool(torch.isfinite(observed).all())
    element = _worst_element(observed, truth, baseline, baseline if single is None else single, times)
    right = finite and error is not None and error <= allowed and worst is not None and worst <= tolerated
    right = right and element is not None and element <= 1
    return {"right": right, "error": error, "baseline": reference, "allowed": allowed, "element": element} | _tiles(
        worst, usual, tolerated
    )


def _tiles(error: float | None, baseline: float | None, allowed: float | None) -> dict[str, float | None]:
    return {"tile_error": error, "tile_baseline": baseline, "tile_allowed": allowed}


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _relative(observed: torch.Tensor, truth: torch.Tensor) -> float | None:
    import torch

    scale = float(torch.linalg.vector_norm(truth))
    distance = float(torch.linalg.vector_norm(observed.double() - truth))
    return _finite(distance / scale if scale else distance)


def _worst_tile(observed: torch.Tensor, truth: torch.Tensor) -> float | None:
    """The largest relative error of a tile; the scale of a tile of zeros is that of the whole output."""
    import torch

    if not truth.numel():
        return 0.0
    distances = _tile_sums((observed.double() - truth).square())
    scales = _tile_sums(truth.square())
    whole = float(truth.square().mean()) * TILE * TILE
    # A tile of zeros is scaled by the mean tile: the rounding error of zero is relative to the whole.
    scales = torch.where(scales > 0, scales, torch.full_like(scales, whole or 1.0))
    return _finite(math.sqrt(float((distances / scales).max())))


def _worst_element(
    observed: torch.Tensor, truth: torch.Tensor, baseline: torch.Tensor, single: torch.Tensor, times: float
) -> float | None:
    """The largest error of an element, over the largest that is allowed."""
    import torch

    if not truth.numel():
        return 0.0
    kind = torch.finfo(observed.dtype)
    # Functions of the device's own are up to 4 units off in single precision; below the least normal number all are.
    unit = float(kind.eps) * (4.0 if observed.dtype is torch.float32 else 0.5)
    rounding = unit * truth.abs() + float(kind.smallest_normal) * float(kind.eps)
    order = truth.abs().reshape(-1).argsort()
    beyond = ((baseline.double() - truth).abs() - rounding).maximum((single.double() - truth).abs())
    beyond = beyond.clamp_min(0.0).reshape(-1)[order].cummax(0).values
    near = torch.arange(NEIGHBOURS, len(order) + NEIGHBOURS, device=truth.device).clamp_max(len(order) - 1)
    allowed = max(times, 2.0) * rounding.reshape(-1)[order] + ELEMENT_SLACK * times * beyond[near]
    distances = (observed.double() - truth).abs().reshape(-1)[order]
    return _finite(float((distances / allowed).max()))


def _tile_sums(squares: torch.Tensor) -> torch.Tensor:
    import torch

    rows = squares.reshape(-1, squares.shape[-1]) if squares.dim() > 1 else squares.reshape(1, -1)
    down, across = -rows.shape[0] % TILE, -rows.shape[1] % TILE
    padded = torch.nn.functional.pad(rows, (0, across, 0, down))
    tall, wide = padded.shape[0] // TILE, padded.shape[1] // TILE
    return padded.reshape(tall, TILE, wide, TILE).sum(dim=(1, 3))
