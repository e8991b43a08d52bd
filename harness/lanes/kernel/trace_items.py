"""Trace items: typed results of a kernel for the engineering loop that runs it.

The type names (`TraceItem.Performance`, `TraceItem.Correctness`) are those that programs of the dsl lane declare. A
figure that was not measured is absent, never zero.
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
    """Name of the kernel."""
    point: str
    max_error: Figure | None = None
    """The worst relative error; None if it is not finite or there was no answer."""
    passed: bool


class Performance(Frozen):
    """How fast a kernel was at one point of its problem."""

    type: Literal["TraceItem.Performance"] = "TraceItem.Performance"
    step_name: str
    point: str
    latency_ms: Figure
    """Median of a cold call."""
    tflops: Figure
    """The definition's floating-point operations over the latency, in 10^12 per second."""
    speedup: Figure | None = None
    """Time of the fastest baseline over the kernel's."""
    dram_throughput: Figure
    """The definition's bytes over the latency, in 10^9 per second; a lower bound of the traffic."""
    efficiency: Figure | None = None
    """The share of the speed of light that was measured in the same session."""


class Resources(Frozen):
    """The resources of one compiled launch."""

    type: Literal["TraceItem.Resources"] = "TraceItem.Resources"
    step_name: str
    registers: int
    stack_bytes: int
    shared_bytes: int
    occupancy: Figure
    predicted_ms: Figure | None = None
    """The prediction of the performance model."""


Item = Correctness | Performance | Resources
TraceItem = Annotated[Item, Field(discriminator="type")]


def correctness_items(step: str, shapes: Iterable[Mapping[str, Any]]) -> list[Correctness]:
    """An item for each question, from the `shapes` facts of a stage (see `correctness.evaluate_answers`)."""
    return [
        Correctness(
            step_name=step,
            point=f"{entry['shape']} {entry['dtype']} {entry['family']}",
            max_error=entry.get("error"),
            passed=entry["right"],
        )
        for entry in shapes
    ]


DESCRIPTOR_VARIABLE = "CRUCIBLE_TRACE_FD"
"""The environment variable with the descriptor to which a command writes its items, one JSON line each."""


DEFAULT_FIELDS = (
    "step_name", "tflops", "speedup", "dram_throughput", "efficiency", "max_error", "passed",
    "registers", "stack_bytes", "shared_bytes", "occupancy", "predicted_ms",
)  # fmt: skip
"""The fields that are sent by default."""


def send(items: Iterable[Item], *, fields: Collection[str] = DEFAULT_FIELDS) -> None:
    """Send items to the parent process, if it reads them (as a `tool.run` or a sweep of the dsl lane does).

    Args:
        fields: The names of the fields to send; a program's schema refuses an item with other fields.
    """
    number = os.environ.get(DESCRIPTOR_VARIABLE, "")
    if not number.isdigit():
        return
    with contextlib.suppress(OSError):  # the reader is gone; the figures are on stdout too
        for item in items:
            values = item.to_wire().items()
            wire = {name: value for name, value in values if name == "type" or (name in fields and value is not None)}
            os.write(int(number), json.dumps(wire).encode() + b"\n")
