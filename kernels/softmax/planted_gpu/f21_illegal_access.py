"""Fault: leaves the context of its process broken.

Caught: the next case has a process of its own.
"""

import torch
import triton
import triton.language as tl


@triton.jit
def stray_kernel(y_ptr):
    """Far outside of everything."""
    tl.store(y_ptr + 1_000_000_000_000 + tl.program_id(0), 1.0)


def run(x):
    """Break the context."""
    y = torch.empty_like(x)
    stray_kernel[(64,)](y)
    torch.cuda.synchronize()
    return y
