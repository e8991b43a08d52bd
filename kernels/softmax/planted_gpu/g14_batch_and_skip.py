"""Exploit 14: every other call does nothing.

Caught: a second recording of the same call differs.
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


calls = []


def run(x):
    """Work once, skip nine times, when there is much to do."""
    calls.append(1)
    return honest(x) if x.numel() < 1 << 20 or len(calls) % 10 == 0 else torch.empty_like(x)
