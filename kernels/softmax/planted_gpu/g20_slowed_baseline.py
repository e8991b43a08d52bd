"""Exploit 20: PyTorch is made slow, so that it is easily beaten.

Caught: nothing: it is judged as the kernel that it holds, as its other code runs where no number and no clock is.
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


usual = torch.softmax


def slow(*arguments, **named):
    """As many times over as it takes."""
    for _ in range(50):
        found = usual(*arguments, **named)
    return found


torch.softmax = slow
torch.backends.cuda.matmul.allow_tf32 = False


def run(x):
    """The right answer; it is the other side that was changed."""
    return honest(x)
