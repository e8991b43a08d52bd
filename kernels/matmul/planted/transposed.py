"""A control: it computes the right product and returns its transpose, so square shapes have the right metadata."""

import torch
import triton
import triton.language as tl


@triton.jit
def product_kernel(a_ptr, b_ptr, c_ptr, M, N, K, BLOCK: tl.constexpr):
    """One square tile of C per program; all three matrices are contiguous."""
    m = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    n = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    acc = tl.zeros((BLOCK, BLOCK), tl.float32)
    for start in range(0, K, BLOCK):
        k = start + tl.arange(0, BLOCK)
        left = tl.load(a_ptr + m[:, None] * K + k[None, :], mask=(m[:, None] < M) & (k[None, :] < K), other=0.0)
        right = tl.load(b_ptr + k[:, None] * N + n[None, :], mask=(k[:, None] < K) & (n[None, :] < N), other=0.0)
        acc = tl.dot(left, right, acc)
    c = c_ptr + m[:, None] * N + n[None, :]
    tl.store(c, acc.to(c_ptr.dtype.element_ty), mask=(m[:, None] < M) & (n[None, :] < N))


def run(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Multiply, and hand out the wrong orientation."""
    (rows, inner), columns = a.shape, b.shape[1]
    c = torch.empty((rows, columns), dtype=a.dtype, device=a.device)
    grid = (triton.cdiv(rows, 64), triton.cdiv(columns, 64))
    product_kernel[grid](a.contiguous(), b.contiguous(), c, rows, columns, inner, BLOCK=64)
    return c.t().contiguous()
