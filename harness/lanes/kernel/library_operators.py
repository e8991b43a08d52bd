"""Library operators: which operators of PyTorch compute, and which only allocate, view or copy tensors."""

from __future__ import annotations

import re

from harness.core.clip import clip

DATA_MOVEMENT = frozenset(
    """
    empty empty_like empty_strided empty_permuted new_empty new_empty_strided zeros zeros_like new_zeros zero_ full
    full_like new_full ones ones_like new_ones fill_ fill arange scalar_tensor _local_scalar_dense lift_fresh item
    view _unsafe_view reshape view_as transpose t permute squeeze unsqueeze expand select slice narrow unbind split
    split_with_sizes as_strided movedim detach alias contiguous clone copy_ _to_copy to _reshape_alias unfold
    constant_pad_nd set_ resize_ is_same_size size stride
    """.split()
)
"""Allocation, views, copies, casts and filling: operators that do not compute."""
_MAX_SHOWN = 20


def computing_operators(names: object, *, allowed: tuple[str, ...]) -> list[str]:
    """Operators that compute, apart from those that the definition allows.

    Args:
        names: The untrusted notes of a kernel's process.
        allowed: Names without namespace, such as `sum`.
    """
    if not isinstance(names, list):
        return []
    found = sorted({str(name) for name in names} - DATA_MOVEMENT - set(allowed))
    return [clip(name, limit=60) for name in found[:_MAX_SHOWN]]


_LIBRARY_KERNEL = re.compile(r"nvjet_|xmma_|cutlass|cudnn|cublas|pytorch_flash|flash::|splitKreduce|at::native::")
_COPYING = re.compile(r"fill|copy|memset|memcpy", re.IGNORECASE)


def library_kernels(names: list[str], *, operators: bool = False) -> list[str]:
    """Device kernels whose names are those of cuBLAS, cuDNN, CUTLASS or ATen.

    Args:
        names: All names that the driver's profiler reports.
        operators: Whether the definition allows operators of ATen, whose device kernels cannot be told apart.
    """
    found = [name for name in names if _LIBRARY_KERNEL.search(name) and not _COPYING.search(name)]
    return [name for name in found if not (operators and "at::native::" in name)]
