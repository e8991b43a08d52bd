"""What rotary position embedding computes, in plain PyTorch."""

from __future__ import annotations

import torch


def reference(
    q: torch.Tensor, k: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """As models write it: x * cos + rotate_half(x) * sin, with the angles in the tensors' own precision."""
    wide = [torch.cat((angle, angle), -1).to(q.dtype)[None, :, None, :] for angle in (cos, sin)]
    return _turn(q, *wide), _turn(k, *wide)


def _turn(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    first, second = x.chunk(2, -1)
    return x * cos + torch.cat((-second, first), -1) * sin
