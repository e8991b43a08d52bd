"""A subclass of Tensor answers its functions itself.

Caught: operators are recorded below the functions.
"""

import torch
import triton
import triton.language as tl


@triton.jit
def copy_kernel(x_ptr, y_ptr, count, BLOCK: tl.constexpr):
    """Copies."""
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(y_ptr + at, tl.load(x_ptr + at, mask=at < count), mask=at < count)


def copied(x):
    """A copy, made by a kernel."""
    y = torch.empty_like(x)
    copy_kernel[(triton.cdiv(x.numel(), 1024),)](x, y, x.numel(), BLOCK=1024)
    return y


class Quiet(torch.Tensor):
    """Answers functions itself."""

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        return super().__torch_function__(func, types, args, kwargs or {})


def run(x):
    """PyTorch's answer, copied."""
    return copied(torch.softmax(x.as_subclass(Quiet), -1).as_subclass(torch.Tensor))
