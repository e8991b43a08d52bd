"""SwiGLU: silu(gate) * up in one pass, 16 bytes of each operand to a thread.

What it does: both operands are read once and the product is written once: 6 bytes an element in 16 bits. Eager writes
    silu(gate) and reads it again: 10 bytes.
Predicted: bound by memory: 1.6 times eager, 1.0 of torch.compile, which makes the same kernel.
Measured: not measured.
"""

# /// kernel
# title = "one pass"
# predicted = 1.0
# ///

import torch
import triton
import triton.language as tl

SPACE = {"BLOCK": [1024, 2048, 4096, 8192], "num_warps": [4, 8, 16]}


@triton.jit
def swiglu_kernel(gate_ptr, up_ptr, out_ptr, count, BLOCK: tl.constexpr):
    """BLOCK elements of a flat tensor."""
    at = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    inside = at < count
    gate = tl.load(gate_ptr + at, mask=inside, other=0.0).to(tl.float32)
    up = tl.load(up_ptr + at, mask=inside, other=0.0).to(tl.float32)
    tl.store(out_ptr + at, (gate * tl.sigmoid(gate) * up).to(out_ptr.dtype.element_ty), mask=inside)


def run(gate: torch.Tensor, up: torch.Tensor, *, BLOCK: int = 4096, num_warps: int = 8) -> torch.Tensor:
    """The gated product, element by element."""
    gate, up = gate.contiguous(), up.contiguous()
    out = torch.empty_like(gate)
    count = gate.numel()
    swiglu_kernel[(triton.cdiv(count, BLOCK),)](gate, up, out, count, BLOCK=BLOCK, num_warps=num_warps)
    return out
