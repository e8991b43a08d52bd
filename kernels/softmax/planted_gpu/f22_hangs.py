"""Fault: never ends.

Caught: its process is ended, and the device is free again.
"""

import torch
import triton
import triton.language as tl


@triton.jit
def endless_kernel(x_ptr, y_ptr):
    """Waits for what never comes."""
    while tl.load(x_ptr, volatile=True) < 1e38:
        tl.store(y_ptr, 0.0)


def run(x):
    """Wait."""
    y = torch.empty_like(x)
    endless_kernel[(1,)](x, y)
    torch.cuda.synchronize()
    return y
