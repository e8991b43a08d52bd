"""What SwiGLU computes, in plain PyTorch."""

from __future__ import annotations

import torch
from torch.nn import functional


def reference(gate: torch.Tensor, up: torch.Tensor) -> torch.Tensor:
    """silu(gate) * up."""
    return functional.silu(gate) * up
