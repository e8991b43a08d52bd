"""Tiled matrix multiplication: one program per tile of C, masked edges, single-precision accumulation."""

import torch
import triton
import triton.language as tl


@triton.jit
def matmul_kernel(
    a_ptr, b_ptr, c_ptr, M, N, K,
    stride_am, stride_ak, stride_bk, stride_bn, stride_cm, stride_cn,
    BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_K: tl.constexpr, GROUP: tl.constexpr,
):  # fmt: skip
    """C[M, N] = A[M, K] @ B[K, N]; GROUP rows of tiles share their columns of B in the cache."""
    pid = tl.program_id(0)
    tiles_m, tiles_n = tl.cdiv(M, BLOCK_M), tl.cdiv(N, BLOCK_N)
    group = pid // (GROUP * tiles_n)
    first = group * GROUP
    rows = min(tiles_m - first, GROUP)
    tile_m = first + (pid % (GROUP * tiles_n)) % rows
    tile_n = (pid % (GROUP * tiles_n)) // rows

    m = tile_m * BLOCK_M + tl.arange(0, BLOCK_M)
    n = tile_n * BLOCK_N + tl.arange(0, BLOCK_N)
    k = tl.arange(0, BLOCK_K)
    a = a_ptr + m[:, None] * stride_am + k[None, :] * stride_ak
    b = b_ptr + k[:, None] * stride_bk + n[None, :] * stride_bn
    acc = tl.zeros((BLOCK_M, BLOCK_N), tl.float32)
    for start in range(0, K, BLOCK_K):
        inside = k < K - start
        left = tl.load(a, mask=(m[:, None] < M) & inside[None, :], other=0.0)
        right = tl.load(b, mask=inside[:, None] & (n[None, :] < N), other=0.0)
        acc = tl.dot(left, right, acc)
        a += BLOCK_K * stride_ak
        b += BLOCK_K * stride_bk
    c = c_ptr + m[:, None] * stride_cm + n[None, :] * stride_cn
    tl.store(c, acc.to(c_ptr.dtype.element_ty), mask=(m[:, None] < M) & (n[None, :] < N))


def run(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Multiply two matrices on the device they are on."""
    (rows, inner), columns = a.shape, b.shape[1]
    c = torch.empty((rows, columns), dtype=a.dtype, device=a.device)
    big = rows >= 128 and columns >= 256
    block_m, block_n = (128, 256) if big else (64, 64)
    grid = (triton.cdiv(rows, block_m) * triton.cdiv(columns, block_n),)
    matmul_kernel[grid](
        a, b, c, rows, columns, inner, *a.stride(), *b.stride(), *c.stride(),
        BLOCK_M=block_m, BLOCK_N=block_n, BLOCK_K=64, GROUP=8, num_warps=8 if big else 4, num_stages=3,
    )  # fmt: skip
    return c
