"""Affinity: pins this process, and the boxes it measures, to one core.

A question takes 3.6 us on one core and 11 to 13 us over two, where each answer waits until a sleeping core wakes up.
"""

from __future__ import annotations

import contextlib
import os
import time
from types import TracebackType
from typing import Self

from harness.timing.noise import busy_seconds

SAMPLING_SECONDS = 0.05  # how long the load of each core is sampled to find an idle one


class OneCore:
    """Pins this thread, and the processes it adopts, to one core; on exit their affinity is restored.

    Args:
        turn: Index of the core among the allowed ones, the least busy first; each new try uses another core.

    Attributes:
        core: Number of the core, or None where pinning is not possible.
    """

    def __init__(self, turn: int = 0) -> None:
        self._turn = turn
        self._before: set[int] = set()
        self._pinned: set[int] = set()
        self.core: int | None = None

    def adopt(self, pid: int) -> None:
        """Pin another process to the same core; if that fails, the measurement counts as not pinned."""
        if self.core is None or pid in self._pinned:
            return
        try:
            os.sched_setaffinity(pid, {self.core})
            self._pinned.add(pid)
        except OSError:  # the process has ended, or belongs to another user
            self.core = None

    def __enter__(self) -> Self:
        if hasattr(os, "sched_setaffinity"):  # Linux
            try:
                self._before = os.sched_getaffinity(0)
                cores = _least_busy_first(self._before)
                core = cores[self._turn % len(cores)]
                os.sched_setaffinity(0, {core})
                self.core = core
            except OSError:
                self.core = None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._before:
            return
        os.sched_setaffinity(0, self._before)
        for pid in self._pinned:  # boxes have ended; an oracle goes on
            with contextlib.suppress(OSError):
                os.sched_setaffinity(pid, self._before)


def _least_busy_first(cores: set[int]) -> list[int]:
    """Cores in order of their current load; equal ones from last to first, since the first serve most interrupts."""
    if len(cores) < 2:
        return list(cores)
    before = busy_seconds()
    time.sleep(SAMPLING_SECONDS)
    after = busy_seconds()

    def busy(core: int) -> float:
        name = f"cpu{core}"
        return after.get(name, 0.0) - before.get(name, 0.0)

    return sorted(cores, key=lambda core: (busy(core), -core))
