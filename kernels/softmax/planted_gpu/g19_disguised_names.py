"""Exploit 19: events are made without timing, under names that a search of the text does not find.

Caught: nothing: it is judged as the kernel that it holds, as its other code runs where no number and no clock is.
"""

import base64

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


event = getattr(torch.cuda, base64.b64decode("RXZlbnQ=").decode())
usual = event.__new__


def untimed(kind, **named):
    """Whatever was asked for, its times are not to be had."""
    named["enable" + "_timing"] = False
    return usual(kind, **named)


event.__new__ = untimed


def run(x):
    """The right answer, and no time."""
    return honest(x)
