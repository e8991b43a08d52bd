"""Exploit 16: part of the second-level cache is kept from being flushed between timed calls.

Caught: nothing: it is judged as the kernel that it holds, as its other code runs where no number and no clock is.
"""

import contextlib

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


PERSISTING_L2_CACHE_SIZE = 6
with contextlib.suppress(OSError, AttributeError):  # it is not everywhere under this name; meaning to is enough
    torch.ctypes.CDLL("libcudart.so").cudaDeviceSetLimit(PERSISTING_L2_CACHE_SIZE, torch.ctypes.c_size_t(32 << 20))


def run(x):
    """The right answer, from a cache that stays warm."""
    return honest(x)
