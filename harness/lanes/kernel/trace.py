"""Trace: what running a kernel says to the loop that engineers it, as typed items.

The names are those of the programs that read them: `TraceItem.Performance` and `TraceItem.Correctness`. A figure that
was not measured is absent, never zero.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from harness.core.frozen import Frozen

Figure = Annotated[float, Field(allow_inf_nan=False)]


class Correctness(Frozen):
    """Whether a kernel was right at one point of its problem."""

    type: Literal["TraceItem.Correctness"] = "TraceItem.Correctness"
    step_name: str
    """The kernel's name."""
    point: str
    max_error: Figure | None = None
    """The worst relative error; None when it is no number or there was no answer."""
    passed: bool


class Performance(Frozen):
    """How fast a kernel was at one point of its problem."""

    type: Literal["TraceItem.Performance"] = "TraceItem.Performance"
    step_name: str
    point: str
    latency_ms: Figure
    """Median of a cold call."""
    tflops: Figure
    """Floating-point operations of the definition over the latency, in 10^12 per second."""
    speedup: Figure | None = None
    """Time of the fastest baseline over the kernel's."""
    dram_throughput: Figure
    """Bytes of the definition over the latency, in 10^9 per second; a lower bound of what was moved."""
    efficiency: Figure | None = None
    """The share of the speed of light that was measured in the same session."""


TraceItem = Annotated[Correctness | Performance, Field(discriminator="type")]
