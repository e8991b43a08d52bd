"""Exploit 2: a thread takes over once the warm-up is past.

Caught: nothing: it is judged as the kernel that it holds, as its other code runs where no number and no clock is.
"""

import threading
import time

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
    """Start somebody who stays."""
    calls.append(1)
    if len(calls) > 60:
        threading.Thread(target=time.sleep, args=(30,), daemon=True).start()
    return honest(x)
