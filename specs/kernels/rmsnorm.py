"""What RMSNorm with its residual computes, in plain PyTorch."""

from __future__ import annotations

import torch
from torch.nn import functional

EPSILON = 1e-6


def reference(x: torch.Tensor, residual: torch.Tensor, weight: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """As models write it: the sum in the tensors' own precision, the norm in single precision at least."""
    total = x + residual
    exact = total if total.dtype is torch.float64 else total.float()
    normed = exact * torch.rsqrt(exact.square().mean(-1, keepdim=True) + EPSILON)
    return normed.to(x.dtype) * weight, total


def library(x: torch.Tensor, residual: torch.Tensor, weight: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """With PyTorch's own RMSNorm."""
    total = x + residual
    return functional.rms_norm(total, weight.shape, weight, EPSILON), total
