"""Has its own plan written: a region far beyond its storage.

Caught: each region is checked against its storage before a plan is executed.
"""

import sys

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


recorder = sys.modules["harness.lanes.kernel.recorder"]
usual = recorder._Recording.region
recorder._Recording.region = lambda self, tensor: usual(self, tensor) | {"offset": 1 << 40}


def run(x):
    """The right answer, from another place."""
    y = torch.empty_like(x)
    softmax_kernel[(x.shape[0],)](x, y, x.shape[1], BLOCK=triton.next_power_of_2(x.shape[1]))
    return y
