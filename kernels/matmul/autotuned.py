"""Step 6 of 6, autotuned: the persistent kernel with the best configuration that was measured for the device and shape.

What changed: tile, stages, order, the split of the result and `FLATTEN` (the two loops become one, so that the next
    tile's first blocks are loaded while this tile is written) are looked up in `TUNED`, which `crucible kernel sweep
    --write` fills with what it measured. An unknown shape takes the nearest known one, an unknown device
    the defaults of the persistent step.
Predicted: 2-4 % over the persistent step at 4096, where 512 tiles of 128 x 256 are 3.88 rounds of 132, and within 1 %
    of it at 8192 and 16384, where the device's power is the limit: 0.98-1.02 of cuBLAS.
Measured: not measured.
"""

# /// kernel
# step = 6
# title = "autotuned"
# claims = ["tensor_cores", "tma"]
# predicted = 0.99
# ///

import functools
import math

import torch
import triton
import triton.language as tl
from triton.tools.tensor_descriptor import TensorDescriptor

SPACE = {
    "BLOCK_M": [64, 128], "BLOCK_N": [128, 256], "BLOCK_K": [64, 128], "GROUP": [4, 8], "HALVES": [1, 2],
    "FLATTEN": [False, True], "num_warps": [4, 8], "num_stages": [3, 4],
}  # fmt: skip
DEFAULT = {
    "BLOCK_M": 128, "BLOCK_N": 256, "BLOCK_K": 64, "GROUP": 8, "HALVES": 2, "FLATTEN": False,
    "num_warps": 8, "num_stages": 4,
}  # fmt: skip
TUNED = []
MULTIPROCESSORS = 132  # of an H100 or H200, where none can be asked


@triton.jit
def tile_of(pid, tiles_m, tiles_n, GROUP: tl.constexpr):
    """Which tile is computed: down GROUP rows, then one column on."""
    first = pid // (GROUP * tiles_n) * GROUP
    rows = min(tiles_m - first, GROUP)
    inside = pid % (GROUP * tiles_n)
    return first + inside % rows, inside // rows


@triton.jit
def persistent_kernel(
    a_desc, b_desc, c_desc, M, N, K,
    BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_K: tl.constexpr, GROUP: tl.constexpr, HALVES: tl.constexpr,
    FLATTEN: tl.constexpr,
):  # fmt: skip
    """C[M, N] = A[M, K] @ B[K, N]; tiles beyond an edge are cut by the descriptors."""
    tiles_m, tiles_n = tl.cdiv(M, BLOCK_M), tl.cdiv(N, BLOCK_N)
    for tile in tl.range(tl.program_id(0), tiles_m * tiles_n, tl.num_programs(0), flatten=FLATTEN):
        tile_m, tile_n = tile_of(tile, tiles_m, tiles_n, GROUP)
        m, n = tile_m * BLOCK_M, tile_n * BLOCK_N
        acc = tl.zeros((BLOCK_M, BLOCK_N), tl.float32)
        for k in range(0, K, BLOCK_K):
            acc = tl.dot(a_desc.load([m, k]), b_desc.load([k, n]), acc)
        if HALVES == 2:
            halves = tl.permute(tl.reshape(acc, (BLOCK_M, 2, BLOCK_N // 2)), (0, 2, 1))
            left, right = tl.split(halves)
            c_desc.store([m, n], left.to(c_desc.dtype))
            c_desc.store([m, n + BLOCK_N // 2], right.to(c_desc.dtype))
        else:
            c_desc.store([m, n], acc.to(c_desc.dtype))


@triton.jit
def masked_kernel(
    a_ptr, b_ptr, c_ptr, M, N, K,
    stride_am, stride_ak, stride_bk, stride_bn, stride_cm, stride_cn,
    BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_K: tl.constexpr,
):  # fmt: skip
    """The same by pointers, for shapes that descriptors cannot describe."""
    m = (tl.program_id(0) * BLOCK_M + tl.arange(0, BLOCK_M)).to(tl.int64)
    n = (tl.program_id(1) * BLOCK_N + tl.arange(0, BLOCK_N)).to(tl.int64)
    k = tl.arange(0, BLOCK_K)
    a = a_ptr + m[:, None] * stride_am + k[None, :] * stride_ak
    b = b_ptr + k[:, None] * stride_bk + n[None, :] * stride_bn
    acc = tl.zeros((BLOCK_M, BLOCK_N), tl.float32)
    for start in range(0, K, BLOCK_K):
        inside = k < K - start
        left = tl.load(a, mask=(m[:, None] < M) & inside[None, :], other=0.0)
        right = tl.load(b, mask=inside[:, None] & (n[None, :] < N), other=0.0)
        acc = tl.dot(left, right, acc)
        a += BLOCK_K * stride_ak
        b += BLOCK_K * stride_bk
    c = c_ptr + m[:, None] * stride_cm + n[None, :] * stride_cn
    tl.store(c, acc.to(c_ptr.dtype.element_ty), mask=(m[:, None] < M) & (n[None, :] < N))


def described(*tensors: torch.Tensor) -> bool:
    """Whether a descriptor can describe them all."""
    return all(
        t.stride(1) == 1 and t.stride(0) * t.element_size() % 16 == 0 and t.data_ptr() % 16 == 0 for t in tensors
    )


def programs(device: torch.device) -> int:
    """One for each multiprocessor."""
    return torch.cuda.get_device_properties(device).multi_processor_count if device.type == "cuda" else MULTIPROCESSORS


@functools.cache
def tuned(dtype: torch.dtype, device: torch.device, **shape: int) -> dict:
    """The measured configuration of the nearest shape, if there is any for the device and the size of its numbers."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else ""
    own = str(dtype).removeprefix("torch.")  # both 16-bit types make the tensor cores do the same
    alike = {"float32"} if own == "float32" else {"float16", "bfloat16"}
    known = [entry for entry in TUNED if entry["device"] == name and entry["dtype"] in alike]
    return min(
        known,
        key=lambda entry: (
            sum(abs(math.log(entry["shape"][axis] / size)) for axis, size in shape.items()),
            entry["dtype"] != own,
        ),
        default={"configuration": {}},
    )["configuration"]


def run(a: torch.Tensor, b: torch.Tensor, **configuration: int) -> torch.Tensor:
    """Multiply two matrices on the device they are on; keywords overrule what was tuned."""
    (rows, inner), columns = a.shape, b.shape[1]
    c = torch.empty((rows, columns), dtype=a.dtype, device=a.device)
    if not described(a, b, c):
        masked_kernel[(triton.cdiv(rows, 64), triton.cdiv(columns, 64))](
            a, b, c, rows, columns, inner, *a.stride(), *b.stride(), *c.stride(), BLOCK_M=64, BLOCK_N=64, BLOCK_K=32
        )
        return c
    chosen = {**DEFAULT, **tuned(a.dtype, a.device, M=rows, N=columns, K=inner), **configuration}
    if a.element_size() == 4:  # the same bytes of shared memory
        chosen["BLOCK_K"], chosen["num_stages"] = chosen["BLOCK_K"] // 2, min(chosen["num_stages"], 3)
    block_m, block_n, block_k = chosen["BLOCK_M"], chosen["BLOCK_N"], chosen["BLOCK_K"]
    tiles = triton.cdiv(rows, block_m) * triton.cdiv(columns, block_n)
    persistent_kernel[(min(tiles, programs(a.device)),)](
        TensorDescriptor.from_tensor(a, [block_m, block_k]),
        TensorDescriptor.from_tensor(b, [block_k, block_n]),
        TensorDescriptor.from_tensor(c, [block_m, block_n // chosen["HALVES"]]),
        rows, columns, inner, **chosen,
    )  # fmt: skip
    return c
