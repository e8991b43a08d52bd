"""Warming: a kernel of ours that does nothing, launched so that everything a launch needs is loaded and known."""

from __future__ import annotations

from typing import Any

import triton
import triton.language as tl


@triton.jit
def nothing(out):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN201 - Triton takes annotations for its own
    """Write one zero."""
    tl.store(out, 0.0)


def launch_nothing(torch: Any, device: str) -> None:
    """Launch it."""
    nothing[(1,)](torch.empty(1, device=device))
