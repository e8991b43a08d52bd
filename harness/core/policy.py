"""Policy: the rules by which evidence is gathered and scored."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, NonNegativeInt, PositiveInt

from harness.core.budget import Budget, Schedule
from harness.core.frozen import Frozen
from harness.core.status import Status

Finite = Annotated[float, Field(allow_inf_nan=False)]
Need = Literal["review", "noisy", "gpu"]
"""A status or resource that `require` may name."""


class Timing(StrEnum):
    """The clock by which performance is measured."""

    CPU = "cpu"
    """The box's CPU time, taken while other items run."""
    EXACT = "exact"
    """Wall time in the exclusive phase (the item is marked `timed`)."""
    NONE = "none"
    """Performance is not measured; its component is undefined."""


class Policy(Frozen):
    """The rules for judging one case; a score depends only on them and the evidence."""

    epoch: NonNegativeInt = 0
    attempts: PositiveInt = 3
    anneal_temp: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 1.0
    schedule: Schedule = Schedule()
    timing: Timing = Timing.CPU
    gates: dict[str, Finite] = {}
    """Smallest accepted value of components, or of `score`."""
    weights: dict[str, Finite] = {}
    """Weights of components, which sum to 1; empty for the lane's own. A component that is not named has none."""
    expect: Status | None = None
    """For negative and positive controls: the case passes exactly when its verdict is this."""
    require: tuple[str, ...] = ()
    """Statuses (`review`, `noisy`) that fail the case instead of being neutral; `gpu` fails it without a device."""

    @property
    def budget(self) -> Budget:
        """The budget at this policy's epoch."""
        return self.schedule.at(self.epoch)
