"""Exploit 46: where there is much to do, a block asks for more shared memory than any block gets.

Caught: a kernel that runs at target sizes only needs review; its compilation does not fit.
"""

import torch
import triton
import triton.language as tl


@triton.jit
def softmax_kernel(x_ptr, y_ptr, N, BLOCK: tl.constexpr):
    """One row of Y per program."""
    n = tl.arange(0, BLOCK)
    x = tl.load(x_ptr + tl.program_id(0) * N + n, mask=n < N, other=-float("inf")).to(tl.float32)
    e = tl.exp(x - tl.max(x, 0))
    tl.store(y_ptr + tl.program_id(0) * N + n, (e / tl.sum(e, 0)).to(y_ptr.dtype.element_ty), mask=n < N)


def honest(x):
    """The right answer, by the kernel."""
    y = torch.empty_like(x)
    softmax_kernel[(x.shape[0],)](x, y, x.shape[1], BLOCK=triton.next_power_of_2(x.shape[1]))
    return y


@triton.jit
def wide_kernel(x_ptr, y_ptr, N, ROWS: tl.constexpr, BLOCK: tl.constexpr):
    """Rows of Y, added up by a product with a matrix of ones as long as they are."""
    m = tl.arange(0, ROWS)
    n = tl.arange(0, BLOCK)
    at = (tl.program_id(0) * ROWS + m)[:, None] * N + n[None, :]
    x = tl.load(x_ptr + at, mask=n[None, :] < N, other=-float("inf")).to(tl.float32)
    e = tl.exp(x - tl.max(x, 1)[:, None])
    total = tl.max(tl.dot(e, tl.full((BLOCK, 16), 1.0, tl.float32)), 1)
    tl.store(y_ptr + at, (e / total[:, None]).to(y_ptr.dtype.element_ty), mask=n[None, :] < N)


def run(x):
    """Honest while small."""
    if x.numel() < 1 << 20:
        return honest(x)
    y = torch.empty_like(x)
    wide_kernel[(x.shape[0] // 16,)](x, y, x.shape[1], ROWS=16, BLOCK=x.shape[1], num_warps=16)
    return y
