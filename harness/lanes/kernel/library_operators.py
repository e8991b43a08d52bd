"""Library: which of the library's operators do a kernel's work for it, and which only carry tensors about."""

from __future__ import annotations

import re

from harness.core.clip import clip

PLUMBING = frozenset(
    """
    empty empty_like empty_strided empty_permuted new_empty new_empty_strided zeros zeros_like new_zeros zero_ full
    full_like new_full ones ones_like new_ones fill_ fill arange scalar_tensor _local_scalar_dense lift_fresh item
    view _unsafe_view reshape view_as transpose t permute squeeze unsqueeze expand select slice narrow unbind split
    split_with_sizes as_strided movedim detach alias contiguous clone copy_ _to_copy to _reshape_alias unfold
    constant_pad_nd set_ resize_ is_same_size size stride
    """.split()
)
"""Allocation, views, copies, casts, filling: no arithmetic on what the operation is about."""
_MOST = 20


def not_plumbing(names: object, *, allowed: tuple[str, ...]) -> list[str]:
    """Operators that calculate, apart from those the definition allows.

    Args:
        names: What a kernel's process noted; anything may be in there.
        allowed: Names without namespace, such as `sum`.
    """
    if not isinstance(names, list):
        return []
    found = sorted({str(name) for name in names} - PLUMBING - set(allowed))
    return [clip(name, limit=60) for name in found[:_MOST]]


_LIBRARY_KERNEL = re.compile(r"nvjet_|xmma_|cutlass|cudnn|cublas|pytorch_flash|flash::|splitKreduce|at::native::")
_CARRYING = re.compile(r"fill|copy|memset|memcpy", re.IGNORECASE)


def library_kernels(names: list[str], *, operators: bool = False) -> list[str]:
    """Device kernels that are a library's, not Triton's: what cuBLAS, cuDNN, CUTLASS and ATen call theirs.

    Args:
        names: As the driver's profiler gives them.
        operators: Whether the definition allows some of ATen's operators; its kernels do not say which one they are of.
    """
    found = [name for name in names if _LIBRARY_KERNEL.search(name) and not _CARRYING.search(name)]
    return [name for name in found if not (operators and "at::native::" in name)]
