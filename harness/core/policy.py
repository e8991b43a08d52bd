"""Policy: everything that decides how evidence is gathered and judged, apart from the subject itself."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, NonNegativeInt, PositiveInt

from harness.core.budget import Budget, Schedule
from harness.core.frozen import Frozen
from harness.core.status import Status

Finite = Annotated[float, Field(allow_inf_nan=False)]
Need = Literal["review", "noisy", "gpu"]
"""What a suite or a project may refuse to shrug off."""


class Timing(StrEnum):
    """How performance is measured."""

    CPU = "cpu"
    """The box's CPU time, taken while other items run."""
    EXACT = "exact"
    """Wall time in the exclusive phase (the item is marked `timed`)."""
    NONE = "none"
    """Not at all."""


class Policy(Frozen):
    """The rules one case is judged by; with the evidence, all that a score depends on."""

    epoch: NonNegativeInt = 0
    attempts: PositiveInt = 3
    anneal_temp: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 1.0
    schedule: Schedule = Schedule()
    timing: Timing = Timing.CPU
    gates: dict[str, Finite] = {}
    """Least value of a component, or of `score`, that is accepted."""
    expect: Status | None = None
    """For negative and positive controls: the case passes exactly when its verdict is this."""
    require: tuple[str, ...] = ()
    """Statuses (`review`, `noisy`) and resources (`gpu`) whose absence fails the case instead of being shrugged off."""

    @property
    def budget(self) -> Budget:
        """The budget at this policy's epoch."""
        return self.schedule.at(self.epoch)
