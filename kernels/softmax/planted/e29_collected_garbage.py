"""Exploit 29: the expected tensor is looked for among all objects.

Caught: it answers with zeros, or, where it finds a tensor, two recordings of the same call differ.
"""

import gc

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


def run(x):
    """Any other tensor of this shape."""
    softmax_kernel[(1,)](x, torch.empty_like(x), x.shape[1], BLOCK=triton.next_power_of_2(x.shape[1]))
    gc.collect()  # what earlier calls left behind differs from process to process
    found = [t for t in gc.get_objects() if type(t) is torch.Tensor and t.shape == x.shape and t is not x]
    return found[0].clone() if found else torch.zeros_like(x)
