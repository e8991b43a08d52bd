"""Waiting: the wall time of calls in which a box gave up its core, although its CPU clock stood still.

By CPU time alone, a candidate that sleeps ranks like its equal. By wall time alone, a candidate loses for the other
processes of the machine. So the difference between both clocks counts only as far as neither the box nor the judge, for
which a box waits while a long message passes, was without a core. The kernel counts for how long a process was ready to
run and had none (`/proc/PID/schedstat`).
"""

from __future__ import annotations

import os

from harness.sandbox.answer import Answer
from harness.sandbox.usage import core_delay
from harness.sandbox.wire import CHUNK

MIN_IDLE = 250e-6
"""Mean seconds per call below which nothing counts; a call over two busy cores idles for 10 to 100 microseconds."""
MARGIN = 4  # voluntary switches that are not counted, where the kernel does not tell how long a process had no core


class Waiting:
    """The idle time of one box's calls.

    Args:
        pid: The process id of the box.

    Attributes:
        idle: Wall seconds minus CPU seconds by number of each call, as noted; without the time in which the judge may
            have been busy with other boxes.
    """

    def __init__(self, pid: int) -> None:
        self.idle: dict[int, float] = {}
        self._delay = _delay_of(pid)
        self._allowed = MARGIN + (_count_switches(pid) if self._delay is None else 0)

    def note(self, number: int, question: bytes, answer: Answer) -> None:
        """Note a call. A message longer than a pipe's capacity needs one more switch for each further part."""
        cpu = answer.cpu_seconds
        self.idle[number] = 0.0 if cpu is None else max(0.0, answer.least_seconds - cpu)
        self._allowed += 1 + len(question) // CHUNK + len(answer.payload) // CHUNK

    def is_on_purpose(self, pid: int) -> bool:
        """Whether the open box with this process id gave up its core during its calls."""
        idle = sum(self.idle.values())
        if not self.idle or idle < MIN_IDLE * len(self.idle):
            return False
        delay = _delay_of(pid)
        if delay is None or self._delay is None:
            return _count_switches(pid) > self._allowed
        return idle - (delay - self._delay) >= MIN_IDLE * len(self.idle)


def _delay_of(pid: int) -> float | None:
    """Seconds for which a box and this process were ready to run and had no core; None where the kernel is silent."""
    delays = core_delay(pid), core_delay(os.getpid())
    return None if None in delays else sum(delays)  # type: ignore[arg-type]


def _count_switches(pid: int) -> int:
    from harness.timing.paired_benchmark import count_voluntary_switches

    return count_voluntary_switches(pid)
