"""What cross-entropy computes, in plain PyTorch."""

from __future__ import annotations

import torch
from torch.nn import functional


def reference(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """The usual way of 16-bit models: to single precision first. Double precision stays what it is."""
    exact = logits if logits.dtype is torch.float64 else logits.float()
    return functional.cross_entropy(exact, labels, reduction="none")
