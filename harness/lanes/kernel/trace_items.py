"""Trace: what running a kernel says to the loop that engineers it, as typed items.

The names are those of the programs that read them: `TraceItem.Performance` and `TraceItem.Correctness`. A figure that
was not measured is absent, never zero.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Collection, Iterable, Mapping
from typing import Annotated, Any, Literal

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


class Resources(Frozen):
    """What the compiler made of one launch, for a card that need not be there."""

    type: Literal["TraceItem.Resources"] = "TraceItem.Resources"
    step_name: str
    registers: int
    stack_bytes: int
    shared_bytes: int
    occupancy: Figure
    predicted_ms: Figure | None = None
    """What the performance model says; no measurement."""


Item = Correctness | Performance | Resources
TraceItem = Annotated[Item, Field(discriminator="type")]


def answers_of(step: str, shapes: Iterable[Mapping[str, Any]]) -> list[Correctness]:
    """An item for each question, from the facts of a stage that asks (`compute.judge_answers`)."""
    return [
        Correctness(
            step_name=step,
            point=f"{entry['shape']} {entry['dtype']} {entry['family']}",
            max_error=entry.get("error"),
            passed=entry["right"],
        )
        for entry in shapes
    ]


CHANNEL = "CRUCIBLE_TRACE_FD"
"""Names the descriptor on which whoever runs a command reads the items it reports, a JSON line each."""


USUAL = (
    "step_name", "tflops", "speedup", "dram_throughput", "efficiency", "max_error", "passed",
    "registers", "stack_bytes", "shared_bytes", "occupancy", "predicted_ms",
)  # fmt: skip
"""Fields that are sent unless others are asked for."""


def send(items: Iterable[Item], *, fields: Collection[str] = USUAL) -> None:
    """Report items to whoever runs this process, if anybody listens: a `tool.run` or a sweep of the dsl lane does.

    Args:
        items: In the order in which they became known.
        fields: Those that are sent, if they are known; a program's schema refuses an item that has others.
    """
    number = os.environ.get(CHANNEL, "")
    if not number.isdigit():
        return
    with contextlib.suppress(OSError):  # nobody listens any more; the figures stand on stdout too
        for item in items:
            told = item.to_wire().items()
            wire = {name: value for name, value in told if name == "type" or (name in fields and value is not None)}
            os.write(int(number), json.dumps(wire).encode() + b"\n")
