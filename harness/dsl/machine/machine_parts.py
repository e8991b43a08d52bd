"""MachineParts: what the effects and searches of one machine share."""

from __future__ import annotations

from typing import Any

from harness.dsl.ir import Effect, Program
from harness.dsl.machine.fold import Fold
from harness.dsl.machine.recorder import Recorder
from harness.dsl.machine.state import Fiber
from harness.dsl.machine.stepper import Stepper
from harness.dsl.machine.trace_items import Tracing
from harness.dsl.plain import plain


@plain
class MachineParts:
    """The parts of one machine.

    Attributes:
        run: Hex of the first hash of the run's chain; part of every effect's key.
        seed: Of the run's random numbers.
    """

    program: Program
    run: str
    seed: int
    fold: Fold
    recorder: Recorder
    stepper: Stepper
    tracing: Tracing

    def instruction(self, fiber: Fiber) -> Any:
        """The instruction that a fiber executes."""
        return self.program.units[fiber.call.unit].code[fiber.call.pc]

    def effect(self, fiber: Fiber) -> Effect | None:
        """The effect that a fiber executes; None if it executes something else."""
        instruction = self.instruction(fiber)
        return instruction if isinstance(instruction, Effect) else None
