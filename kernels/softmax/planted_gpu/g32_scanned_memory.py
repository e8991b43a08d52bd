"""Exploit 32: the expected answer is looked for in all of the device's memory that this process has.

Caught: the recorder has no device.
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


@triton.jit
def found_kernel(address, y_ptr, N, BLOCK: tl.constexpr):
    """Take what lies there for the answer if its first row adds up to one."""
    there = address.to(y_ptr.dtype)
    n = tl.arange(0, BLOCK)
    total = tl.sum(tl.load(there + n, mask=n < N, other=0.0).to(tl.float32), 0)
    row = tl.program_id(0) * N + n
    tl.store(y_ptr + row, tl.load(there + row, mask=n < N, other=0.0), mask=(n < N) & (tl.abs(total - 1.0) < 0.01))


def run(x):
    """Somebody else's answer, if there is one; honest where there is no device to search."""
    if not x.is_cuda:
        return honest(x)
    y = torch.empty_like(x)
    size = x.numel() * x.element_size()
    for segment in torch.cuda.memory_snapshot():
        address = segment["address"]
        for block in segment["blocks"]:
            if block["size"] >= size and not address <= y.data_ptr() < address + block["size"]:
                found_kernel[(x.shape[0],)](address, y, x.shape[1], BLOCK=triton.next_power_of_2(x.shape[1]))
            address += block["size"]
    return y
