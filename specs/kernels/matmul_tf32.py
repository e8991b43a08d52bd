"""What PyTorch's TF32 matrix multiplication computes, on a device and on a processor that has none."""

from __future__ import annotations

import torch

LOW_BITS = 13
"""Bits of a single-precision fraction (23) that TF32 (10) does not read."""


def tf32(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """By cuBLAS with TF32 allowed; elsewhere the same cut, and sums in single precision."""
    if a.dtype is torch.float64:
        return a @ b
    if a.device.type != "cuda":
        return _cut(a) @ _cut(b)
    allowed = torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = True
    try:
        return a @ b
    finally:
        torch.backends.cuda.matmul.allow_tf32 = allowed


def _cut(x: torch.Tensor) -> torch.Tensor:
    return (x.contiguous().view(torch.int32) >> LOW_BITS << LOW_BITS).view(torch.float32)
