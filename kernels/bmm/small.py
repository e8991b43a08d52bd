"""Batched matmul, small and many: thousands of products that each fit into one tile; the memory is the limit.

What it does: one program takes PACK whole matrices of the batch and multiplies them by one batched `tl.dot`, without
    a loop over K and without a second program for the same matrix. The tile is the matrix rounded up to a power of
    two, where a library's kernel for large matrices computes 128 x 128 and throws 15/16 of a 32 x 32 product away.
Predicted: 32 x 32 x 32 in 16 bits moves 6 KB for 65,536 operations, 11 operations a byte: bound by memory from the
    first byte. At 80 % of the copy rate, 2-5 times `torch.bmm`.
Measured: not measured.
"""

# /// kernel
# title = "small and many"
# claims = ["tensor_cores"]
# predicted = 3.0
# ///

import torch
import triton
import triton.language as tl

SPACE = {"PACK": [1, 2, 4, 8], "num_warps": [1, 2, 4], "num_stages": [1]}
LARGEST = 128  # rows, columns or depth of a matrix that is one tile


@triton.jit
def small_kernel(
    a_ptr, b_ptr, c_ptr, BATCH, M, N, K,
    stride_ab, stride_am, stride_ak, stride_bb, stride_bk, stride_bn, stride_cb, stride_cm, stride_cn,
    PACK: tl.constexpr, BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_K: tl.constexpr,
):  # fmt: skip
    """C[i] = A[i] @ B[i] for PACK matrices that are one tile each."""
    i = (tl.program_id(0) * PACK + tl.arange(0, PACK)).to(tl.int64)[:, None, None]
    m, n = tl.arange(0, BLOCK_M), tl.arange(0, BLOCK_N)
    k = tl.arange(0, BLOCK_K)
    here, rows, columns = i < BATCH, m[None, :, None] < M, n[None, None, :] < N
    left = tl.load(
        a_ptr + i * stride_ab + m[None, :, None] * stride_am + k[None, None, :] * stride_ak,
        mask=here & rows & (k[None, None, :] < K),
        other=0.0,
    )
    right = tl.load(
        b_ptr + i * stride_bb + k[None, :, None] * stride_bk + n[None, None, :] * stride_bn,
        mask=here & (k[None, :, None] < K) & columns,
        other=0.0,
    )
    if PACK == 1:  # two dimensions reach the warp-group instructions, three do not
        left2, right2 = left.reshape(BLOCK_M, BLOCK_K), right.reshape(BLOCK_K, BLOCK_N)
        acc = tl.dot(left2, right2).reshape(1, BLOCK_M, BLOCK_N)
    else:
        acc = tl.dot(left, right)
    c = c_ptr + i * stride_cb + m[None, :, None] * stride_cm + n[None, None, :] * stride_cn
    tl.store(c, acc.to(c_ptr.dtype.element_ty), mask=here & rows & columns)


def run(a: torch.Tensor, b: torch.Tensor, *, PACK: int = 0, num_warps: int = 0, num_stages: int = 1) -> torch.Tensor:
    """Multiply two batches of small matrices on the device they are on."""
    (batch, rows, inner), columns = a.shape, b.shape[2]
    if max(rows, columns, inner) > LARGEST:
        raise ValueError(f"a matrix of at most {LARGEST} in each direction is one tile, this one is {tuple(a.shape)}")
    blocks = [max(16, triton.next_power_of_2(size)) for size in (rows, columns, inner)]
    elements = blocks[0] * blocks[1]
    pack = PACK or max(1, min(4, 4096 // elements))
    c = torch.empty((batch, rows, columns), dtype=a.dtype, device=a.device)
    small_kernel[(triton.cdiv(batch, pack),)](
        a, b, c, batch, rows, columns, inner, *a.stride(), *b.stride(), *c.stride(),
        PACK=pack, BLOCK_M=blocks[0], BLOCK_N=blocks[1], BLOCK_K=blocks[2],
        num_warps=num_warps or (4 if pack * elements >= 4096 else 2), num_stages=num_stages,
    )  # fmt: skip
    return c
