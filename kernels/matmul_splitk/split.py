"""Skinny matmul with a split inner dimension: few rows, so the work is spread over K as well.

What it does: with 16 rows there are only N / 128 tiles, too few for 132 multiprocessors, and each would walk all of K
    alone. SPLIT programs share a tile, each sums its own stretch of K into a workspace of its own, and a second
    kernel adds the stretches in a fixed order: the same bits every time, where atomic additions would give others in
    each run.
Predicted: bound by one read of B: at 75 % of the copy rate 1.2 times cuBLAS, which splits by a heuristic of its own.
Measured: not measured.
"""

# /// kernel
# title = "split K, fixed order"
# claims = ["tensor_cores", "async_copy"]
# predicted = 1.2
# ///

import torch
import triton
import triton.language as tl

SPACE = {
    "BLOCK_N": [64, 128, 256], "BLOCK_K": [64, 128, 256], "SPLIT": [2, 4, 8, 16], "num_warps": [4, 8],
    "num_stages": [2, 3, 4],
}  # fmt: skip


@triton.jit
def part_kernel(
    a_ptr, b_ptr, parts_ptr, M, N, K, STRETCH, stride_am, stride_ak, stride_bk, stride_bn,
    BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_K: tl.constexpr,
):  # fmt: skip
    """One tile's sum over one stretch of K, in single precision."""
    m = (tl.program_id(0) * BLOCK_M + tl.arange(0, BLOCK_M)).to(tl.int64)
    n = (tl.program_id(1) * BLOCK_N + tl.arange(0, BLOCK_N)).to(tl.int64)
    part = tl.program_id(2)
    start = part * STRETCH
    stop = min(K, start + STRETCH)
    k = tl.arange(0, BLOCK_K)
    a = a_ptr + start * stride_ak + m[:, None] * stride_am + k[None, :] * stride_ak
    b = b_ptr + start.to(tl.int64) * stride_bk + k[:, None] * stride_bk + n[None, :] * stride_bn
    acc = tl.zeros((BLOCK_M, BLOCK_N), tl.float32)
    for at in range(start, stop, BLOCK_K):
        inside = k < stop - at
        left = tl.load(a, mask=(m[:, None] < M) & inside[None, :], other=0.0)
        right = tl.load(b, mask=inside[:, None] & (n[None, :] < N), other=0.0)
        acc = tl.dot(left, right, acc)
        a += BLOCK_K * stride_ak
        b += BLOCK_K * stride_bk
    parts = parts_ptr + part.to(tl.int64) * M * N + m[:, None] * N + n[None, :]
    tl.store(parts, acc, mask=(m[:, None] < M) & (n[None, :] < N))


@triton.jit
def sum_kernel(parts_ptr, c_ptr, count, SPLIT: tl.constexpr, BLOCK: tl.constexpr):
    """Add the stretches, first to last."""
    at = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    total = tl.zeros((BLOCK,), tl.float32)
    for part in tl.static_range(SPLIT):
        total += tl.load(parts_ptr + part * count + at, mask=at < count, other=0.0)
    tl.store(c_ptr + at, total.to(c_ptr.dtype.element_ty), mask=at < count)


def run(
    a: torch.Tensor, b: torch.Tensor, *,
    BLOCK_N: int = 128, BLOCK_K: int = 128, SPLIT: int = 8, num_warps: int = 4, num_stages: int = 3,
) -> torch.Tensor:  # fmt: skip
    """Multiply a matrix of few rows by a large one, on the device they are on."""
    (rows, inner), columns = a.shape, b.shape[1]
    device = a.device
    c = torch.empty((rows, columns), dtype=a.dtype, device=device)
    parts = torch.empty((SPLIT, rows, columns), dtype=torch.float32, device=device)
    block_m = min(64, max(16, triton.next_power_of_2(rows)))
    stretch = triton.cdiv(triton.cdiv(inner, BLOCK_K), SPLIT) * BLOCK_K
    part_kernel[(triton.cdiv(rows, block_m), triton.cdiv(columns, BLOCK_N), SPLIT)](
        a, b, parts, rows, columns, inner, stretch, *a.stride(), *b.stride(),
        BLOCK_M=block_m, BLOCK_N=BLOCK_N, BLOCK_K=BLOCK_K, num_warps=num_warps, num_stages=num_stages,
    )  # fmt: skip
    sum_kernel[(triton.cdiv(rows * columns, 1024),)](parts, c, rows * columns, SPLIT=SPLIT, BLOCK=1024)
    return c
