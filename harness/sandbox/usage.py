"""Usage: what a box used in its life, and the clock that tells."""

from __future__ import annotations

import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Usage:
    """What a box used in its life.

    Attributes:
        cpu_ms: CPU milliseconds, all threads, by the kernel.
        peak_mb: Peak MiB above the empty box.
        peak_is_lower_bound: True where only resident memory of the process could be seen.
        load_ms: Wall milliseconds from the start of the box until the source was loaded.
        load_cpu_ms: CPU milliseconds until then.
        idle_cpu_ms: CPU milliseconds used between questions, when nothing was asked.
        signal: The signal that ended it; 0 if it left by itself; SIGKILL is usually ours.
    """

    cpu_ms: float = 0.0
    peak_mb: float = 0.0
    peak_is_lower_bound: bool = True
    load_ms: float = 0.0
    load_cpu_ms: float = 0.0
    idle_cpu_ms: float = 0.0
    signal: int = 0


def cpu_clock(pid: int) -> int | None:
    """The kernel's CPU clock of another process (see clock_getcpuclockid(3)); None where there is none."""
    clock = (~pid << 3) | 2
    try:
        time.clock_gettime(clock)
    except (OSError, AttributeError):
        return None
    return clock
