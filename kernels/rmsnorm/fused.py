"""RMSNorm with its residual: the sum, its norm and both results in one pass over a row.

What it does: a row stays in registers between the sum of squares and the scaling, so each input is read once and each
    result written once: 8 bytes an element in 16 bits. Eager reads and writes the sum again, converts it to single
    precision and back: about 30 bytes.
Predicted: bound by memory: 3 times eager; 1.0-1.1 of torch.compile, which fuses the same at rows that fit a block.
Measured: not measured.
"""

# /// kernel
# title = "one pass"
# predicted = 1.05
# ///

import torch
import triton
import triton.language as tl

SPACE = {"num_warps": [4, 8, 16, 32]}
EPSILON = 1e-6


@triton.jit
def norm_kernel(x_ptr, residual_ptr, weight_ptr, y_ptr, sum_ptr, H, epsilon, BLOCK: tl.constexpr):
    """One row: s = x + residual; y = s / rms(s) * weight."""
    row = tl.program_id(0).to(tl.int64) * H
    h = tl.arange(0, BLOCK)
    inside = h < H
    x = tl.load(x_ptr + row + h, mask=inside, other=0.0).to(tl.float32)
    x += tl.load(residual_ptr + row + h, mask=inside, other=0.0).to(tl.float32)
    tl.store(sum_ptr + row + h, x.to(sum_ptr.dtype.element_ty), mask=inside)
    scale = 1 / tl.sqrt(tl.sum(x * x, 0) / H + epsilon)
    weight = tl.load(weight_ptr + h, mask=inside, other=0.0).to(tl.float32)
    tl.store(y_ptr + row + h, (x * scale * weight).to(y_ptr.dtype.element_ty), mask=inside)


def run(
    x: torch.Tensor, residual: torch.Tensor, weight: torch.Tensor, *, num_warps: int = 0
) -> tuple[torch.Tensor, torch.Tensor]:
    """The normed sum, and the sum."""
    rows, width = x.shape
    x, residual = x.contiguous(), residual.contiguous()
    y, total = torch.empty_like(x), torch.empty_like(x)
    block = triton.next_power_of_2(width)
    norm_kernel[(rows,)](
        x,
        residual,
        weight,
        y,
        total,
        width,
        EPSILON,
        BLOCK=block,
        num_warps=num_warps or min(16, max(4, block // 1024)),
    )
    return y, total
