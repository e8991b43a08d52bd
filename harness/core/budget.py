"""Budget: the limits of a subject at one epoch. Schedule: how they anneal over the epochs."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Annotated

from pydantic import Field, PositiveInt, field_validator

from harness.core.frozen import Frozen

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Range = tuple[Positive, Positive]


class Budget(Frozen):
    """Hard limits at one epoch."""

    time_ms: Positive
    """Wall milliseconds for one call (or one step)."""

    memory_mb: Positive
    """MiB above the empty box."""

    cpu_factor: Positive = 20.0
    """Largest CPU time, as a multiple of the reference's, that gets the full performance score."""


class Schedule(Frozen):
    """Each limit has its first value at epoch 0 and its second from epoch `epochs` on; one number is both.

    Example: `budget: {time_ms: [2000, 1000], memory_mb: 128, epochs: 40}`. The defaults are the ToolGen tournament's.
    """

    time_ms: Range = (2000.0, 1000.0)
    """Wall milliseconds for one call (or one step); linear in the epoch."""
    memory_mb: Range = (128.0, 64.0)
    """MiB above the empty box; linear in the epoch."""
    cpu_factor: Range = (20.0, 1.5)
    """Largest CPU time, as a multiple of the reference's, that gets the full performance score; by the same factor
    each epoch."""
    epochs: PositiveInt = 40
    """The epoch from which the second values apply."""

    @field_validator("time_ms", "memory_mb", "cpu_factor", mode="before")
    @classmethod
    def _constant_is_a_range(cls, value: object) -> object:
        if isinstance(value, list):  # YAML and JSON have no tuples
            return tuple(value)
        return (value, value) if isinstance(value, int | float) and not isinstance(value, bool) else value

    @field_validator("time_ms", "memory_mb", "cpu_factor")
    @classmethod
    def _never_loosens(cls, value: Range) -> Range:
        start, end = value
        if end > start:
            msg = f"it must not grow with the epoch, but {start:g} -> {end:g} does"
            raise ValueError(msg)
        return value

    @lru_cache(maxsize=64)  # noqa: B019 - schedules are small, equal ones share an entry
    def at(self, epoch: int) -> Budget:
        """The budget of one epoch; epochs below 0 and beyond the last are clamped."""
        k = min(max(epoch, 0), self.epochs) / self.epochs
        return Budget(
            time_ms=_linear(self.time_ms, k),
            memory_mb=_linear(self.memory_mb, k),
            cpu_factor=math.exp(_linear((math.log(self.cpu_factor[0]), math.log(self.cpu_factor[1])), k)),
        )


def _linear(ends: tuple[float, float], k: float) -> float:
    if ends[0] == ends[1]:  # rounding must not loosen a constant budget
        return ends[0]
    return ends[0] * (1 - k) + ends[1] * k  # exact at both ends, however far apart they are
