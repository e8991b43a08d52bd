"""Numerical error: the distance of an answer from the reference, as a whole, in tiles and element by element.

As a whole: the relative Frobenius error is at most twice PyTorch's own error in the same precision (or the rounding
error of the reference, if that is larger). In the worst tile of 32 x 32 the bound is looser, so that no part of the
answer can be left out. An element may differ by its own rounding and by a multiple of PyTorch's largest error (beyond
rounding, or in single precision) among elements that are not larger. A tail next to large numbers must be right too. A
value that is not finite is never right, and integers must be equal.

Few elements say little about the usual error: where terms cancel, PyTorch may have been lucky. An answer outside these
bounds is therefore compared once more, with the sensitivity of each element added: what it changes by when the inputs
change by one unit of rounding in single precision (Higham, Accuracy and Stability of Numerical Algorithms, 1.5).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

TILE = 32
TILE_SLACK = 4.0  # the error of few elements varies more than that of all
ELEMENT_SLACK = 8.0  # that of one element even more
NEIGHBOURS = 32  # an element is compared with PyTorch's error of at least this many
SINGLE_UNIT = 2.0**-23


SENSITIVITY_LIMIT = 64.0
"""Units of rounding of the largest element that sensitivity may add: a reference that jumps allows no jump."""


def compare_output(
    observed: torch.Tensor,
    truth: torch.Tensor,
    baseline: torch.Tensor,
    *,
    times: float,
    single: torch.Tensor | None = None,
    sensitivity: Callable[[], torch.Tensor] | None = None,
) -> dict[str, Any]:
    """Compare one output.

    Args:
        truth: The output of the reference in double precision.
        baseline: PyTorch's output in the same precision.
        times: The bound, as a multiple of the baseline's error.
        single: PyTorch's output in single precision; the baseline by default.
        sensitivity: Gives what each element of `truth` changes by when the inputs change by one unit of rounding in
            single precision; called only where it can decide.

    Returns:
        `right`, `error`, `baseline` (its error), `allowed`, the same for the worst tile, and `element`: the largest
        error of an element over what it may be; an error that is not finite is None, and never right.
    """
    import torch

    if tuple(observed.shape) != tuple(truth.shape):
        raise ValueError(f"the reference returns {tuple(truth.shape)}, the definition says {tuple(observed.shape)}")
    if not observed.dtype.is_floating_point:
        differing = float((observed != truth.to(observed.dtype)).double().mean()) if observed.numel() else 0.0
        tile: dict[str, float | None] = {"tile_error": None, "tile_baseline": None, "tile_allowed": None}
        return {"right": differing == 0, "error": differing, "baseline": 0.0, "allowed": 0.0, "element": None} | tile
    bounds = _Bounds(observed, truth, baseline, baseline if single is None else single, times)
    verdict = bounds.compare(torch.zeros_like(truth))
    if verdict["right"] or sensitivity is None or verdict["error"] is None:
        return verdict
    most = _largest_change(truth)
    if not bounds.compare(most)["right"]:
        return verdict
    return bounds.compare(sensitivity().nan_to_num(nan=0.0).minimum(most))


def is_far(observed: torch.Tensor, truth: torch.Tensor, baseline: torch.Tensor, *, times: float) -> bool:
    """Whether `compare_output` would certainly find an answer wrong, at a tenth of its cost; arguments as there."""
    if not observed.dtype.is_floating_point or not truth.numel():
        return False
    return _Bounds(observed, truth, baseline, baseline, times).is_far()


def _largest_change(truth: torch.Tensor) -> torch.Tensor:
    """The most that sensitivity may add to each element."""
    import torch

    return torch.full_like(truth, SENSITIVITY_LIMIT * SINGLE_UNIT * float(truth.abs().max()))


class _Bounds:
    """The errors of one answer and of PyTorch's, and what is allowed."""

    def __init__(
        self, observed: torch.Tensor, truth: torch.Tensor, baseline: torch.Tensor, single: torch.Tensor, times: float
    ) -> None:
        import torch

        self.truth, self.times = truth, times
        self.finite = bool(torch.isfinite(observed).all())
        self.distances = (observed.double() - truth).abs()
        self.usual = (baseline.double() - truth).abs()
        self.single = (single.double() - truth).abs()
        self.kind = torch.finfo(observed.dtype)
        # Functions of the device's own are up to 4 units off in single precision.
        self.unit = float(self.kind.eps) * (4.0 if observed.dtype is torch.float32 else 0.5)

    def compare(self, extra: torch.Tensor) -> dict[str, Any]:
        """Compare with `extra`, of the shape of `truth`, added to what each element may differ by."""
        error, usual, allowed = self._whole(extra)
        tile_error, tile_usual, tile_allowed = self._worst_tile(extra)
        element = self._worst_element(extra)
        right = self.finite and error is not None and error <= allowed
        right = right and tile_error is not None and tile_error <= tile_allowed and element is not None and element <= 1
        return {
            "right": right,
            "error": error,
            "baseline": usual,
            "allowed": allowed,
            "tile_error": tile_error,
            "tile_baseline": tile_usual,
            "tile_allowed": tile_allowed,
            "element": element,
        }

    def _whole(self, extra: torch.Tensor) -> tuple[float | None, float | None, float]:
        """The relative error of the answer as a whole, PyTorch's, and what is allowed."""
        error, usual, more = (_relative(one, self.truth) for one in (self.distances, self.usual, extra))
        few = 1 + (ELEMENT_SLACK - 1) / max(1, self.truth.numel()) ** 0.5  # as the mean of n errors varies
        return error, usual, max(self.times * (usual or 0.0), self.unit) + few * self.times * (more or 0.0)

    def is_far(self) -> bool:
        """Whether the answer as a whole is outside of its bound, whatever the sensitivity."""
        error, _, allowed = self._whole(_largest_change(self.truth))
        return error is None or error > allowed

    def _worst_tile(self, extra: torch.Tensor) -> tuple[float | None, float | None, float]:
        """The relative error of the tile that exceeds its bound most, PyTorch's largest, and the bound of that tile."""
        import torch

        if not self.truth.numel():
            return 0.0, 0.0, TILE_SLACK * self.unit
        scales = _tile_sums(self.truth.square())
        whole = float(self.truth.square().mean()) * TILE * TILE
        # A tile of zeros is scaled by the mean tile: the rounding error of zero is relative to the whole.
        scales = torch.where(scales > 0, scales, torch.full_like(scales, whole or 1.0))
        errors, usual, more = ((_tile_sums(x.square()) / scales).sqrt() for x in (self.distances, self.usual, extra))
        worst = _finite(float(usual.max()))
        # A tile at the edge may be one element.
        allowed = TILE_SLACK * max(self.times * (worst or 0.0), self.unit) + ELEMENT_SLACK * self.times * more
        at = (errors / allowed).argmax()  # of NaN, if there is one
        return _finite(float(errors.flatten()[at])), worst, float(allowed.flatten()[at])

    def _worst_element(self, extra: torch.Tensor) -> float | None:
        """The largest error of an element, over the largest that is allowed."""
        import torch

        if not self.truth.numel():
            return 0.0
        # Below the least normal number every function may be off by one unit.
        rounding = self.unit * self.truth.abs() + float(self.kind.smallest_normal) * float(self.kind.eps)
        order = self.truth.abs().reshape(-1).argsort()
        beyond = (self.usual - rounding).maximum(self.single).clamp_min(0.0).reshape(-1)[order].cummax(0).values
        near = torch.arange(NEIGHBOURS, len(order) + NEIGHBOURS, device=order.device).clamp_max(len(order) - 1)
        allowed = max(self.times, 2.0) * rounding.reshape(-1)[order]
        allowed += ELEMENT_SLACK * self.times * (beyond[near] + extra.reshape(-1)[order])
        return _finite(float((self.distances.reshape(-1)[order] / allowed).max()))


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _relative(distances: torch.Tensor, truth: torch.Tensor) -> float | None:
    import torch

    scale = float(torch.linalg.vector_norm(truth))
    distance = float(torch.linalg.vector_norm(distances))
    return _finite(distance / scale if scale else distance)


def _tile_sums(squares: torch.Tensor) -> torch.Tensor:
    import torch

    rows = squares.reshape(-1, squares.shape[-1]) if squares.dim() > 1 else squares.reshape(1, -1)
    down, across = -rows.shape[0] % TILE, -rows.shape[1] % TILE
    padded = torch.nn.functional.pad(rows, (0, across, 0, down))
    tall, wide = padded.shape[0] // TILE, padded.shape[1] // TILE
    return padded.reshape(tall, TILE, wide, TILE).sum(dim=(1, 3))
