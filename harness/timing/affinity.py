"""Affinity: this process, and the boxes it asks, on one core while something is measured.

A question costs 3.6 us on one core and 11 to 13 us over two: otherwise every answer waits for a sleeping core to wake.
"""

from __future__ import annotations

import os
import time
from types import TracebackType
from typing import Self

from harness.timing.noise import busy_seconds

GLIMPSE = 0.05
"""Seconds for which the cores are looked at to find a calm one."""


class OneCore:
    """Pins this thread, and the processes it adopts, to one core; a context manager that gives this thread back.

    Boxes are not given back: they end with the measurement.

    Args:
        turn: Which of the allowed cores, the calmest first; another try takes another core.

    Attributes:
        core: Its number, or None where pinning is not possible.
    """

    def __init__(self, turn: int = 0) -> None:
        self._turn = turn
        self._before: set[int] = set()
        self._pinned: set[int] = set()
        self.core: int | None = None

    def adopt(self, pid: int) -> None:
        """Pin another process, too; a measurement over two cores is one that is not pinned."""
        if self.core is None or pid in self._pinned:
            return
        try:
            os.sched_setaffinity(pid, {self.core})
            self._pinned.add(pid)
        except OSError:  # dead already, or somebody else's
            self.core = None

    def __enter__(self) -> Self:
        if hasattr(os, "sched_setaffinity"):  # Linux
            try:
                self._before = os.sched_getaffinity(0)
                cores = _by_calm(self._before)
                core = cores[self._turn % len(cores)]
                os.sched_setaffinity(0, {core})
                self.core = core
            except OSError:
                self.core = None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._before:
            os.sched_setaffinity(0, self._before)


def _by_calm(cores: set[int]) -> list[int]:
    """Cores by how little they do right now; of equals the last first, for the first ones serve most interrupts."""
    if len(cores) < 2:
        return list(cores)
    before = busy_seconds()
    time.sleep(GLIMPSE)
    after = busy_seconds()

    def busy(core: int) -> float:
        name = f"cpu{core}"
        return after.get(name, 0.0) - before.get(name, 0.0)

    return sorted(cores, key=lambda core: (busy(core), -core))
