"""Exponentials that are small beside the largest are left out.

Caught: each element is compared with its own rounding, not only the norm of a tile.
"""

import torch
import triton
import triton.language as tl


@triton.jit
def softmax_kernel(x_ptr, y_ptr, N, BLOCK: tl.constexpr):
    """One row of Y per program."""
    n = tl.arange(0, BLOCK)
    x = tl.load(x_ptr + tl.program_id(0) * N + n, mask=n < N, other=-float("inf")).to(tl.float32)
    z = x - tl.max(x, 0)
    e = tl.where(z > -9.0, tl.exp(z), 0.0)
    tl.store(y_ptr + tl.program_id(0) * N + n, (e / tl.sum(e, 0)).to(y_ptr.dtype.element_ty), mask=n < N)


def run(x):
    """Almost right."""
    y = torch.empty_like(x)
    softmax_kernel[(x.shape[0],)](x, y, x.shape[1], BLOCK=triton.next_power_of_2(x.shape[1]))
    return y
