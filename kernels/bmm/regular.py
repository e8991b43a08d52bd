"""Batched matmul, regular: the persistent TMA kernel over a list of tiles that runs through all products of the batch.

What changed against `matmul`: a third axis in the descriptors, so that an edge tile is cut at the end of its own
    matrix, and one list of tiles for the whole batch, so that the last round of one product is filled with tiles of
    the next. A loop of single products pays an idle last round for each of them.
Predicted: as `matmul` where one product fills the device; more where cuBLAS picks a poor kernel for its batch: 1.0 of
    `torch.bmm`.
Measured: not measured.
"""

# /// kernel
# title = "regular: persistent, TMA"
# claims = ["tensor_cores", "tma"]
# predicted = 1.0
# ///

import torch
import triton
import triton.language as tl
from triton.tools.tensor_descriptor import TensorDescriptor

SPACE = {
    "BLOCK_M": [64, 128], "BLOCK_N": [128, 256], "BLOCK_K": [64, 128], "GROUP": [4, 8],
    "num_warps": [4, 8], "num_stages": [3, 4],
}  # fmt: skip
MULTIPROCESSORS = 132  # of an H100 or H200, where none can be asked


@triton.jit
def tile_of(pid, tiles_m, tiles_n, GROUP: tl.constexpr):
    """Which tile is computed: down GROUP rows, then one column on."""
    first = pid // (GROUP * tiles_n) * GROUP
    rows = min(tiles_m - first, GROUP)
    inside = pid % (GROUP * tiles_n)
    return first + inside % rows, inside // rows


@triton.jit
def bmm_kernel(
    a_desc, b_desc, c_desc, BATCH, M, N, K,
    BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_K: tl.constexpr, GROUP: tl.constexpr,
):  # fmt: skip
    """C[i] = A[i] @ B[i]; tiles beyond an edge are cut by the descriptors."""
    tiles_m, tiles_n = tl.cdiv(M, BLOCK_M), tl.cdiv(N, BLOCK_N)
    for tile in tl.range(tl.program_id(0), BATCH * tiles_m * tiles_n, tl.num_programs(0)):
        batch = tile // (tiles_m * tiles_n)
        tile_m, tile_n = tile_of(tile % (tiles_m * tiles_n), tiles_m, tiles_n, GROUP)
        m, n = tile_m * BLOCK_M, tile_n * BLOCK_N
        acc = tl.zeros((BLOCK_M, BLOCK_N), tl.float32)
        for k in range(0, K, BLOCK_K):
            left = a_desc.load([batch, m, k]).reshape(BLOCK_M, BLOCK_K)
            right = b_desc.load([batch, k, n]).reshape(BLOCK_K, BLOCK_N)
            acc = tl.dot(left, right, acc)
        c_desc.store([batch, m, n], acc.to(c_desc.dtype).reshape(1, BLOCK_M, BLOCK_N))


@triton.jit
def masked_kernel(
    a_ptr, b_ptr, c_ptr, M, N, K,
    stride_ab, stride_am, stride_ak, stride_bb, stride_bk, stride_bn, stride_cb, stride_cm, stride_cn,
    BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_K: tl.constexpr,
):  # fmt: skip
    """The same by pointers, for shapes that descriptors cannot describe."""
    batch = tl.program_id(2).to(tl.int64)
    m = (tl.program_id(0) * BLOCK_M + tl.arange(0, BLOCK_M)).to(tl.int64)
    n = (tl.program_id(1) * BLOCK_N + tl.arange(0, BLOCK_N)).to(tl.int64)
    k = tl.arange(0, BLOCK_K)
    a = a_ptr + batch * stride_ab + m[:, None] * stride_am + k[None, :] * stride_ak
    b = b_ptr + batch * stride_bb + k[:, None] * stride_bk + n[None, :] * stride_bn
    acc = tl.zeros((BLOCK_M, BLOCK_N), tl.float32)
    for start in range(0, K, BLOCK_K):
        inside = k < K - start
        left = tl.load(a, mask=(m[:, None] < M) & inside[None, :], other=0.0)
        right = tl.load(b, mask=inside[:, None] & (n[None, :] < N), other=0.0)
        acc = tl.dot(left, right, acc)
        a += BLOCK_K * stride_ak
        b += BLOCK_K * stride_bk
    c = c_ptr + batch * stride_cb + m[:, None] * stride_cm + n[None, :] * stride_cn
    tl.store(c, acc.to(c_ptr.dtype.element_ty), mask=(m[:, None] < M) & (n[None, :] < N))


def described(*tensors: torch.Tensor) -> bool:
    """Whether a descriptor can describe them all."""
    return all(
        t.stride(2) == 1
        and t.data_ptr() % 16 == 0
        and all(stride * t.element_size() % 16 == 0 for stride in t.stride()[:2])
        for t in tensors
    )


def run(
    a: torch.Tensor, b: torch.Tensor, *,
    BLOCK_M: int = 128, BLOCK_N: int = 256, BLOCK_K: int = 64, GROUP: int = 8, num_warps: int = 8, num_stages: int = 3,
) -> torch.Tensor:  # fmt: skip
    """Multiply two batches of matrices on the device they are on."""
    (batch, rows, inner), columns = a.shape, b.shape[2]
    c = torch.empty((batch, rows, columns), dtype=a.dtype, device=a.device)
    if not described(a, b, c):
        masked_kernel[(triton.cdiv(rows, 64), triton.cdiv(columns, 64), batch)](
            a, b, c, rows, columns, inner, *a.stride(), *b.stride(), *c.stride(), BLOCK_M=64, BLOCK_N=64, BLOCK_K=32
        )
        return c
    tiles = batch * triton.cdiv(rows, BLOCK_M) * triton.cdiv(columns, BLOCK_N)
    device = a.device
    at_once = (
        torch.cuda.get_device_properties(device).multi_processor_count if device.type == "cuda" else MULTIPROCESSORS
    )
    bmm_kernel[(min(tiles, at_once),)](
        TensorDescriptor.from_tensor(a, [1, BLOCK_M, BLOCK_K]),
        TensorDescriptor.from_tensor(b, [1, BLOCK_K, BLOCK_N]),
        TensorDescriptor.from_tensor(c, [1, BLOCK_M, BLOCK_N]),
        batch, rows, columns, inner,
        BLOCK_M=BLOCK_M, BLOCK_N=BLOCK_N, BLOCK_K=BLOCK_K, GROUP=GROUP, num_warps=num_warps, num_stages=num_stages,
    )  # fmt: skip
    return c
