"""Step 2 of 4, naive fusion: the score matrix never reaches memory, at the price of computing it twice.

What changed: one program owns 64 queries. A first walk over the keys finds each row's largest score; a second one
    recomputes the scores, takes their exponentials against that maximum and multiplies with V. Nothing of size S x S
    exists; nothing overlaps either.
Predicted: 6 S^2 D operations instead of 4 S^2 D, and every load waited for: about 25 % of the fastest library, 2.5
    times the reference step, and memory for any length.
Measured: not measured.
"""

# /// kernel
# step = 2
# title = "naive fusion, two walks"
# claims = ["tensor_cores"]
# predicted = 0.25
# ///

import math

import torch
import triton
import triton.language as tl

SPACE = {"BLOCK_M": [64, 128], "BLOCK_N": [32, 64, 128], "num_warps": [4, 8]}


@triton.jit
def scores_of(q, k_ptr, start, m, S, scale, D: tl.constexpr, BLOCK_N: tl.constexpr, CAUSAL: tl.constexpr):
    """Scores of a block of keys; -inf where there is no key, or one that comes after its query."""
    n = start + tl.arange(0, BLOCK_N)
    k = tl.load(k_ptr + n[None, :] * D + tl.arange(0, D)[:, None], mask=n[None, :] < S, other=0.0)
    seen = n[None, :] < S
    if CAUSAL:
        seen = seen & (m[:, None] >= n[None, :])
    return tl.where(seen, tl.dot(q, k) * scale, float("-inf"))


@triton.jit
def attention_kernel(
    q_ptr, k_ptr, v_ptr, o_ptr, SHARED, S, scale,
    D: tl.constexpr, BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, CAUSAL: tl.constexpr,
):  # fmt: skip
    """BLOCK_M queries of one head against all of its keys, twice."""
    head = tl.program_id(1).to(tl.int64)
    m = tl.program_id(0) * BLOCK_M + tl.arange(0, BLOCK_M)
    d = tl.arange(0, D)
    q = tl.load(q_ptr + head * S * D + m[:, None] * D + d[None, :], mask=m[:, None] < S, other=0.0)
    k_ptr += head // SHARED * S * D
    v_ptr += head // SHARED * S * D
    stop = min(S, (tl.program_id(0) + 1) * BLOCK_M) if CAUSAL else S
    largest = tl.full((BLOCK_M,), float("-inf"), tl.float32)
    for start in range(0, stop, BLOCK_N):
        largest = tl.maximum(largest, tl.max(scores_of(q, k_ptr, start, m, S, scale, D, BLOCK_N, CAUSAL), 1))
    total = tl.zeros((BLOCK_M,), tl.float32)
    acc = tl.zeros((BLOCK_M, D), tl.float32)
    for start in range(0, stop, BLOCK_N):
        weights = tl.exp2(scores_of(q, k_ptr, start, m, S, scale, D, BLOCK_N, CAUSAL) - largest[:, None])
        total += tl.sum(weights, 1)
        n = start + tl.arange(0, BLOCK_N)
        v = tl.load(v_ptr + n[:, None] * D + d[None, :], mask=n[:, None] < S, other=0.0)
        acc = tl.dot(weights.to(v.dtype), v, acc)
    o = o_ptr + head * S * D + m[:, None] * D + d[None, :]
    tl.store(o, (acc / total[:, None]).to(o_ptr.dtype.element_ty), mask=m[:, None] < S)


def run(
    q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, *, causal: bool = False,
    BLOCK_M: int = 64, BLOCK_N: int = 64, num_warps: int = 4,
) -> torch.Tensor:  # fmt: skip
    """Attention over [batch, heads, sequence, size]; keys and values may have fewer heads."""
    (batch, heads, length, size), shared = q.shape, q.shape[1] // k.shape[1]
    q, k, v = q.contiguous(), k.contiguous(), v.contiguous()
    o = torch.empty_like(q)
    attention_kernel[(triton.cdiv(length, BLOCK_M), batch * heads)](
        q, k, v, o, shared, length, math.log2(math.e) / math.sqrt(size),
        D=size, BLOCK_M=BLOCK_M, BLOCK_N=BLOCK_N, CAUSAL=causal, num_warps=num_warps, num_stages=1,
    )  # fmt: skip
    return o
