"""Patch clock: one limit on the CPU time of everything that is read with a patch, next to the limit of each reading."""

from __future__ import annotations

import time
from dataclasses import replace

from harness.grammar.engine.limits import Limits
from harness.grammar.measurement import LAST_SECONDS

FURTHER = 2  # readings beyond the attempts that the limit allows for: the hold-out, and what the page shows


class PatchClock:
    """Runs from when it is made, in this thread.

    Args:
        limits: Bounds of one reading.
        budget: Seconds that the time gate allows for one reading.
        attempts: Readings of the samples.

    Attributes:
        total: CPU seconds: one reading that takes as long as it may, and the others within the budget.
    """

    def __init__(self, limits: Limits, *, budget: float, attempts: int) -> None:
        self._limits, self._started = limits, time.thread_time()
        self.total = limits.seconds + (attempts + FURTHER) * budget

    @property
    def is_over(self) -> bool:
        """Whether the total is used up."""
        return self._left <= 0

    @property
    def limits(self) -> Limits:
        """The bounds of the next reading."""
        return replace(self._limits, seconds=min(self._limits.seconds, max(LAST_SECONDS, self._left)))

    @property
    def _left(self) -> float:
        return self.total - (time.thread_time() - self._started)
