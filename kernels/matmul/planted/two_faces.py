"""Claims instructions of a kernel that is launched only where there is no memory, that is where it was compiled.

Caught: the recorder says that the tensors lie on a device; what is compiled is what runs, and lacks the instructions.
"""

# /// kernel
# title = "two faces"
# claims = ["tensor_cores"]
# ///
import torch
import triton
import triton.language as tl


@triton.jit
def decoy_kernel(a_ptr, b_ptr, c_ptr, M, N, K, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr):
    """One tile of C per program."""
    m = tl.program_id(0) * BM + tl.arange(0, BM)
    n = tl.program_id(1) * BN + tl.arange(0, BN)
    acc = tl.zeros((BM, BN), tl.float32)
    for start in range(0, K, BK):
        k = start + tl.arange(0, BK)
        a = tl.load(a_ptr + m[:, None] * K + k[None, :], mask=(m[:, None] < M) & (k[None, :] < K), other=0.0)
        b = tl.load(b_ptr + k[:, None] * N + n[None, :], mask=(k[:, None] < K) & (n[None, :] < N), other=0.0)
        acc += tl.dot(a, b).to(tl.float32)
    tl.store(
        c_ptr + m[:, None] * N + n[None, :], acc.to(c_ptr.dtype.element_ty), mask=(m[:, None] < M) & (n[None, :] < N)
    )


@triton.jit
def slow_kernel(a_ptr, b_ptr, c_ptr, N, K, BLOCK: tl.constexpr, BK: tl.constexpr):
    """A part of a row of C per program, without tensor cores."""
    i, n, k = tl.program_id(0), tl.program_id(1) * BLOCK + tl.arange(0, BLOCK), tl.arange(0, BK)
    total = tl.zeros((BLOCK,), tl.float32)
    for start in range(0, K, BK):
        inside = start + k < K
        a = tl.load(a_ptr + i * K + start + k, mask=inside, other=0.0).to(tl.float32)
        b = tl.load(b_ptr + (start + k)[:, None] * N + n[None, :], mask=inside[:, None] & (n[None, :] < N), other=0.0)
        total += tl.sum(a[:, None] * b.to(tl.float32), 0)
    tl.store(c_ptr + i * N + n, total.to(c_ptr.dtype.element_ty), mask=n < N)


def run(a, b):
    """One kernel to be looked at, one to run."""
    (M, K), N = a.shape, b.shape[1]
    c = torch.empty((M, N), dtype=a.dtype, device=a.device)
    if a.is_meta:
        decoy_kernel[(1,)](a, b, c, M, N, K, BM=64, BN=64, BK=64)
    else:
        slow_kernel[(M, triton.cdiv(N, 128))](a, b, c, N, K, BLOCK=128, BK=128)
    return c
