"""Step 1 of 4, reference: attention as it is written on paper, three kernels and the whole score matrix in memory.

What it does: scores = Q K^T into memory in single precision, a softmax over each row into memory, then times V. Every
    element of the S x S matrix is written and read twice.
Predicted: bound by memory: 12 bytes a score against 4 D operations; at S = 4096 and D = 128 that is 43 operations a
    byte where the device needs 180 to be busy. About 10 % of the fastest library, and out of memory at long
    sequences.
Measured: not measured.
"""

# /// kernel
# step = 1
# title = "reference, unfused"
# claims = ["tensor_cores"]
# predicted = 0.1
# ///

import math

import torch
import triton
import triton.language as tl


@triton.jit
def scores_kernel(
    q_ptr, k_ptr, s_ptr, SHARED, S, scale, D: tl.constexpr, BLOCK: tl.constexpr, CAUSAL: tl.constexpr
):  # fmt: skip
    """One tile of scores of one head; -inf where a key comes after its query."""
    head = tl.program_id(2).to(tl.int64)
    m = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    n = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    d = tl.arange(0, D)
    q = tl.load(q_ptr + head * S * D + m[:, None] * D + d[None, :], mask=m[:, None] < S, other=0.0)
    k = tl.load(k_ptr + head // SHARED * S * D + n[None, :] * D + d[:, None], mask=n[None, :] < S, other=0.0)
    scores = tl.dot(q, k) * scale
    if CAUSAL:
        scores = tl.where(m[:, None] >= n[None, :], scores, float("-inf"))
    s = s_ptr + head * S * S + m.to(tl.int64)[:, None] * S + n[None, :]
    tl.store(s, scores, mask=(m[:, None] < S) & (n[None, :] < S))


@triton.jit
def softmax_kernel(s_ptr, p_ptr, COUNT, S, ROWS: tl.constexpr, WIDTH: tl.constexpr):
    """Some rows of probabilities."""
    row = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)[:, None]
    n = tl.arange(0, WIDTH)[None, :]
    inside = (row < COUNT) & (n < S)
    scores = tl.load(s_ptr + row * S + n, mask=inside, other=float("-inf"))
    # A row that is not there has no largest score; 0 keeps its exponentials numbers.
    largest = tl.where(row < COUNT, tl.max(scores, 1)[:, None], 0.0)
    weights = tl.exp(scores - largest)
    total = tl.where(row < COUNT, tl.sum(weights, 1)[:, None], 1.0)
    tl.store(p_ptr + row * S + n, (weights / total).to(p_ptr.dtype.element_ty), mask=inside)


@triton.jit
def values_kernel(p_ptr, v_ptr, o_ptr, SHARED, S, D: tl.constexpr, BLOCK: tl.constexpr):
    """One tile of rows of one head: probabilities times values."""
    head = tl.program_id(1).to(tl.int64)
    m = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    d = tl.arange(0, D)
    acc = tl.zeros((BLOCK, D), tl.float32)
    for start in range(0, S, BLOCK):
        n = start + tl.arange(0, BLOCK)
        p = tl.load(
            p_ptr + head * S * S + m.to(tl.int64)[:, None] * S + n[None, :],
            mask=(m[:, None] < S) & (n[None, :] < S),
            other=0.0,
        )
        v = tl.load(v_ptr + head // SHARED * S * D + n[:, None] * D + d[None, :], mask=n[:, None] < S, other=0.0)
        acc = tl.dot(p, v, acc)
    o = o_ptr + head * S * D + m[:, None] * D + d[None, :]
    tl.store(o, acc.to(o_ptr.dtype.element_ty), mask=m[:, None] < S)


def run(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, *, causal: bool = False) -> torch.Tensor:
    """Attention over [batch, heads, sequence, size]; keys and values may have fewer heads."""
    (batch, heads, length, size), shared = q.shape, q.shape[1] // k.shape[1]
    q, k, v = q.contiguous(), k.contiguous(), v.contiguous()
    scores = torch.empty((batch, heads, length, length), dtype=torch.float32, device=q.device)
    weights = torch.empty((batch, heads, length, length), dtype=q.dtype, device=q.device)
    o = torch.empty_like(q)
    tiles = triton.cdiv(length, 64)
    scores_kernel[(tiles, tiles, batch * heads)](
        q, k, scores, shared, length, 1 / math.sqrt(size), D=size, BLOCK=64, CAUSAL=causal
    )
    width = triton.next_power_of_2(length)
    rows = max(1, 8192 // width)
    softmax_kernel[(triton.cdiv(batch * heads * length, rows),)](
        scores, weights, batch * heads * length, length, ROWS=rows, WIDTH=width, num_warps=8
    )
    values_kernel[(tiles, batch * heads)](weights, v, o, shared, length, D=size, BLOCK=64)
    return o
