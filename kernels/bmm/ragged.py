"""Grouped matmul over ragged groups: rows of one matrix, sorted by group, each group times a matrix of its own.

What it does: the mixture-of-experts product. Group ends lie on the device; every program finds the tiles that are its
    own by walking the groups' lengths there, so the host never waits for the lengths, no group is padded, and one
    launch serves all groups however unequal they are.
Predicted: a loop of single products leaves the device idle at each end and in each short group. At 64 unequal groups:
    1.3 times the loop, more when they are skewed.
Measured: not measured.
"""

# /// kernel
# title = "ragged groups"
# claims = ["tensor_cores", "async_copy"]
# predicted = 1.3
# ///

import torch
import triton
import triton.language as tl

SPACE = {
    "BLOCK_M": [64, 128], "BLOCK_N": [128, 256], "BLOCK_K": [32, 64], "num_warps": [4, 8], "num_stages": [3, 4],
}  # fmt: skip
MULTIPROCESSORS = 132  # of an H100 or H200, where none can be asked


@triton.jit
def grouped_kernel(
    a_ptr, b_ptr, ends_ptr, c_ptr, GROUPS, N, K,
    stride_am, stride_ak, stride_bg, stride_bk, stride_bn, stride_cm, stride_cn,
    BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_K: tl.constexpr,
):  # fmt: skip
    """C[r] = A[r] @ B[g] for the rows r of each group g; `ends` are the rows where groups end, from 0 on."""
    tile = tl.program_id(0)
    tiles_n = tl.cdiv(N, BLOCK_N)
    passed = 0
    matrix = b_ptr
    k = tl.arange(0, BLOCK_K)
    for group in range(GROUPS):
        start, end = tl.load(ends_ptr + group), tl.load(ends_ptr + group + 1)
        tiles = tl.cdiv(end - start, BLOCK_M).to(tl.int32) * tiles_n
        while tile < passed + tiles:
            inside = tile - passed
            m = start.to(tl.int64) + inside // tiles_n * BLOCK_M + tl.arange(0, BLOCK_M)
            n = (inside % tiles_n * BLOCK_N + tl.arange(0, BLOCK_N)).to(tl.int64)
            a = a_ptr + m[:, None] * stride_am + k[None, :] * stride_ak
            b = matrix + k[:, None] * stride_bk + n[None, :] * stride_bn
            acc = tl.zeros((BLOCK_M, BLOCK_N), tl.float32)
            for at in range(0, K, BLOCK_K):
                here = k < K - at
                left = tl.load(a, mask=(m[:, None] < end) & here[None, :], other=0.0)
                right = tl.load(b, mask=here[:, None] & (n[None, :] < N), other=0.0)
                acc = tl.dot(left, right, acc)
                a += BLOCK_K * stride_ak
                b += BLOCK_K * stride_bk
            c = c_ptr + m[:, None] * stride_cm + n[None, :] * stride_cn
            tl.store(c, acc.to(c_ptr.dtype.element_ty), mask=(m[:, None] < end) & (n[None, :] < N))
            tile += tl.num_programs(0)
        passed += tiles
        matrix += stride_bg


def run(
    a: torch.Tensor, b: torch.Tensor, ends: torch.Tensor, *,
    BLOCK_M: int = 64, BLOCK_N: int = 128, BLOCK_K: int = 64, num_warps: int = 4, num_stages: int = 4,
) -> torch.Tensor:  # fmt: skip
    """Multiply each group of rows by its own matrix, on the device they are on."""
    groups, inner, columns = b.shape
    c = torch.empty((a.shape[0], columns), dtype=a.dtype, device=a.device)
    device = a.device
    at_once = (
        torch.cuda.get_device_properties(device).multi_processor_count if device.type == "cuda" else MULTIPROCESSORS
    )
    most = (triton.cdiv(a.shape[0], BLOCK_M) + groups) * triton.cdiv(columns, BLOCK_N)
    grouped_kernel[(min(2 * at_once, most),)](
        a, b, ends, c, groups, columns, inner, *a.stride(), *b.stride(), *c.stride(),
        BLOCK_M=BLOCK_M, BLOCK_N=BLOCK_N, BLOCK_K=BLOCK_K, num_warps=num_warps, num_stages=num_stages,
    )  # fmt: skip
    return c
