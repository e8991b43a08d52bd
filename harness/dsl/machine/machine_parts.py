"""MachineParts: what the effects and searches of one machine share."""

from __future__ import annotations

from harness.dsl.ir import Program
from harness.dsl.machine.fold import Fold
from harness.dsl.machine.recorder import Recorder
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
