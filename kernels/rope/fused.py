"""Rotary positions: queries and keys are rotated in one launch, each element read and written once.

What it does: one program owns one token. The angles of its position are loaded once and serve all of its query and
    key heads. Eager builds rotate_half (two slices, a negation and a concatenation), two products and a sum for
    queries, and all of it again for keys: about 7 passes instead of 1.
Predicted: bound by memory: 3.5 times eager, 1.1 of torch.compile, which needs two kernels.
Measured: not measured.
"""

# /// kernel
# title = "one launch"
# predicted = 1.1
# ///

import torch
import triton
import triton.language as tl

SPACE = {"num_warps": [1, 2, 4, 8]}


@triton.jit
def rotate(in_ptr, out_ptr, cos, sin, heads, HALF, BLOCK_H: tl.constexpr, BLOCK_F: tl.constexpr):
    """Rotate all heads of one token: (x, y) becomes (x cos - y sin, y cos + x sin)."""
    f = tl.arange(0, BLOCK_F)[None, :]
    for first in range(0, heads, BLOCK_H):
        h = first + tl.arange(0, BLOCK_H)[:, None]
        inside = (h < heads) & (f < HALF)
        at = h * 2 * HALF + f
        x = tl.load(in_ptr + at, mask=inside, other=0.0).to(tl.float32)
        y = tl.load(in_ptr + at + HALF, mask=inside, other=0.0).to(tl.float32)
        tl.store(out_ptr + at, (x * cos - y * sin).to(out_ptr.dtype.element_ty), mask=inside)
        tl.store(out_ptr + at + HALF, (y * cos + x * sin).to(out_ptr.dtype.element_ty), mask=inside)


@triton.jit
def rope_kernel(
    q_ptr, k_ptr, cos_ptr, sin_ptr, q_out_ptr, k_out_ptr, S, HEADS, GROUPS, HALF,
    BLOCK_H: tl.constexpr, BLOCK_F: tl.constexpr,
):  # fmt: skip
    """One token."""
    token = tl.program_id(0).to(tl.int64)
    f = tl.arange(0, BLOCK_F)
    angle = token % S * HALF + f
    cos = tl.load(cos_ptr + angle, mask=f < HALF, other=0.0)[None, :]
    sin = tl.load(sin_ptr + angle, mask=f < HALF, other=0.0)[None, :]
    q_at, k_at = token * HEADS * 2 * HALF, token * GROUPS * 2 * HALF
    rotate(q_ptr + q_at, q_out_ptr + q_at, cos, sin, HEADS, HALF, BLOCK_H, BLOCK_F)
    rotate(k_ptr + k_at, k_out_ptr + k_at, cos, sin, GROUPS, HALF, BLOCK_H, BLOCK_F)


def run(
    q: torch.Tensor, k: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor, *, num_warps: int = 4
) -> tuple[torch.Tensor, torch.Tensor]:
    """Rotate queries and keys of [batch, sequence, heads, size]; the angles are [sequence, size / 2]."""
    batch, length, heads, size = q.shape
    q, k = q.contiguous(), k.contiguous()
    q_out, k_out = torch.empty_like(q), torch.empty_like(k)
    half = size // 2
    block = triton.next_power_of_2(half)
    rope_kernel[(batch * length,)](
        q, k, cos, sin, q_out, k_out, length, heads, k.shape[2], half,
        BLOCK_H=min(triton.next_power_of_2(heads), max(1, 2048 // block)), BLOCK_F=block, num_warps=num_warps,
    )  # fmt: skip
    return q_out, k_out
