"""Waiting: the wall time of calls in which a box gave up its core, although its CPU clock stood still.

By CPU time alone, a candidate that sleeps ranks like its equal. By wall time alone, a candidate loses for the other
processes of the machine. So the difference between both clocks counts only if the kernel saw the box give up its core
(voluntary context switches) more often than once per call, which is the wait for the next question.
"""

from __future__ import annotations

from harness.sandbox.answer import Answer
from harness.sandbox.wire import CHUNK

MIN_IDLE = 250e-6
"""Seconds per call below which the kernel is not asked; a call over two busy cores idles for 10 to 100 microseconds."""
MARGIN = 4
"""Voluntary switches that are not counted: loading takes at most two."""


class Waiting:
    """The idle time of one box's calls.

    Args:
        pid: The process id of a box that has answered other calls before; 0 for one that has only been loaded.

    Attributes:
        idle: Wall seconds minus CPU seconds by number of each call, as noted.
    """

    def __init__(self, pid: int = 0) -> None:
        self.idle: dict[int, float] = {}
        self._allowed = MARGIN + (_count_switches(pid) if pid else 0)

    def note(self, number: int, question: bytes, answer: Answer) -> None:
        """Note a call. A message longer than a pipe's capacity needs one more switch for each further part."""
        self.idle[number] = max(0.0, answer.seconds - answer.cpu_seconds) if answer.cpu_seconds is not None else 0.0
        self._allowed += 1 + len(question) // CHUNK + len(answer.payload) // CHUNK

    def is_on_purpose(self, pid: int) -> bool:
        """Whether the open box with this process id gave up its core during its calls."""
        if not self.idle or max(self.idle.values()) < MIN_IDLE:
            return False
        return _count_switches(pid) > self._allowed


def _count_switches(pid: int) -> int:
    from harness.timing.paired_benchmark import count_voluntary_switches

    return count_voluntary_switches(pid)
