"""Exploit 43: right for well-behaved numbers only.

Caught: families of numbers with large ones among them.
"""

import torch
import triton
import triton.language as tl


@triton.jit
def hasty_kernel(x_ptr, y_ptr, N, BLOCK: tl.constexpr):
    """The largest is not subtracted first."""
    n = tl.arange(0, BLOCK)
    x = tl.load(x_ptr + tl.program_id(0) * N + n, mask=n < N, other=-float("inf")).to(tl.float32)
    e = tl.exp(x)
    tl.store(y_ptr + tl.program_id(0) * N + n, (e / tl.sum(e, 0)).to(y_ptr.dtype.element_ty), mask=n < N)


def run(x):
    """As long as nothing overflows."""
    y = torch.empty_like(x)
    hasty_kernel[(x.shape[0],)](x, y, x.shape[1], BLOCK=triton.next_power_of_2(x.shape[1]))
    return y
