"""Warm launch: launches a trivial kernel, so that all that a launch needs is loaded and cached."""

from __future__ import annotations

from typing import Any

import triton
import triton.language as tl


@triton.jit
def nothing(out):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN201 - Triton interprets annotations
    """Store 0 at `out`: the smallest kernel that can be launched."""
    tl.store(out, 0.0)


def launch_nothing(torch: Any, device: str) -> None:
    """Launch `nothing` on a device, given the torch module and the device's name."""
    nothing[(1,)](torch.empty(1, device=device))
