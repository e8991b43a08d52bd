"""What attention computes, in plain PyTorch, and PyTorch's own fused attention."""

from __future__ import annotations

import math

import torch
from torch.nn import functional


def reference(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, *, causal: bool) -> torch.Tensor:
    """One head after the other, so that a long sequence needs the scores of one head, not of all."""
    o = torch.empty_like(q)
    shared = q.shape[1] // k.shape[1]
    for batch in range(q.shape[0]):
        for head in range(q.shape[1]):
            here = slice(batch, batch + 1), slice(head, head + 1)
            there = slice(batch, batch + 1), slice(head // shared, head // shared + 1)
            o[here] = unfused(q[here], k[there], v[there], causal=causal)
    return o


def unfused(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, *, causal: bool) -> torch.Tensor:
    """As on paper; the whole score matrix exists."""
    shared = q.shape[1] // k.shape[1]
    k, v = k.repeat_interleave(shared, 1), v.repeat_interleave(shared, 1)
    scores = q @ k.mT / math.sqrt(q.shape[-1])
    if causal:
        length = q.shape[-2]
        later = torch.ones(length, length, dtype=torch.bool, device=q.device).triu(1)
        scores = scores.masked_fill(later, -math.inf)
    return scores.softmax(-1) @ v


def attention(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, *, causal: bool) -> torch.Tensor:
    """By the backend that is switched on, or PyTorch's choice of one."""
    if q.shape[1] == k.shape[1]:
        return functional.scaled_dot_product_attention(q, k, v, is_causal=causal)
    return functional.scaled_dot_product_attention(q, k, v, is_causal=causal, enable_gqa=True)
