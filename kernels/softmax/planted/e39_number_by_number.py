"""Takes the numbers out of the tensor one by one and calculates in Python; a kernel copies the answer.

Caught: operators that compute are refused by the recorder.
"""

import math

import torch
import triton
import triton.language as tl


@triton.jit
def copy_kernel(x_ptr, y_ptr, count, BLOCK: tl.constexpr):
    """A kernel that is launched, and does what no kernel is needed for."""
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(y_ptr + at, tl.load(x_ptr + at, mask=at < count), mask=at < count)


def copied(answer):
    """Through the kernel, so that without it there is no answer."""
    y = torch.empty_like(answer)
    copy_kernel[(triton.cdiv(answer.numel(), 1024),)](answer, y, answer.numel(), BLOCK=1024)
    return y


def run(x):
    rows = []
    for row in x.float():
        numbers = [math.exp(float(value)) for value in row - row[0] * 0]
        rows.append([number / sum(numbers) for number in numbers])
    return copied(torch.tensor(rows).to(x.dtype))
