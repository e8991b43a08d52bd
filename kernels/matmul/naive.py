"""Step 1 of 6, naive: a tile of C per program, one column of A times one row of B at a time.

What it does: every program holds a 64 x 128 tile of C in registers and adds K rank-1 products to it on the ordinary
    arithmetic units. It is the textbook loop: right, readable, and the yardstick of everything after it.
Predicted: bound by issue slots and by loads of one element per multiply-add; the tensor cores, where 94 % of Hopper's
    16-bit arithmetic lives, stand idle. About 1 % of cuBLAS.
Measured: not measured.
"""

# /// kernel
# step = 1
# title = "naive"
# predicted = 0.01
# ///

import torch
import triton
import triton.language as tl

SPACE = {"BLOCK_M": [32, 64, 128], "BLOCK_N": [32, 64, 128], "num_warps": [4, 8]}


@triton.jit
def matmul_kernel(
    a_ptr, b_ptr, c_ptr, M, N, K,
    stride_am, stride_ak, stride_bk, stride_bn, stride_cm, stride_cn,
    BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr,
):  # fmt: skip
    """C[M, N] = A[M, K] @ B[K, N], without tensor cores."""
    m = (tl.program_id(0) * BLOCK_M + tl.arange(0, BLOCK_M)).to(tl.int64)
    n = (tl.program_id(1) * BLOCK_N + tl.arange(0, BLOCK_N)).to(tl.int64)
    column, row = a_ptr + m * stride_am, b_ptr + n * stride_bn
    acc = tl.zeros((BLOCK_M, BLOCK_N), tl.float32)
    for _ in range(K):
        left = tl.load(column, mask=m < M, other=0.0).to(tl.float32)
        right = tl.load(row, mask=n < N, other=0.0).to(tl.float32)
        acc += left[:, None] * right[None, :]
        column += stride_ak
        row += stride_bk
    c = c_ptr + m[:, None] * stride_cm + n[None, :] * stride_cn
    tl.store(c, acc.to(c_ptr.dtype.element_ty), mask=(m[:, None] < M) & (n[None, :] < N))


def run(a: torch.Tensor, b: torch.Tensor, *, BLOCK_M: int = 64, BLOCK_N: int = 128, num_warps: int = 4) -> torch.Tensor:
    """Multiply two matrices on the device they are on."""
    (rows, inner), columns = a.shape, b.shape[1]
    c = torch.empty((rows, columns), dtype=a.dtype, device=a.device)
    grid = (triton.cdiv(rows, BLOCK_M), triton.cdiv(columns, BLOCK_N))
    matmul_kernel[grid](
        a, b, c, rows, columns, inner, *a.stride(), *b.stride(), *c.stride(),
        BLOCK_M=BLOCK_M, BLOCK_N=BLOCK_N, num_warps=num_warps,
    )  # fmt: skip
    return c
