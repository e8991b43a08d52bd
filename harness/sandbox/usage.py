"""Usage: the CPU time and memory that a box used, how it ended, and the CPU clock of a process."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Usage:
    """Resources that a box used from start to end.

    Attributes:
        cpu_ms: CPU milliseconds of all threads, measured by the kernel.
        peak_mb: Peak MiB above the empty box.
        peak_is_lower_bound: True where only the resident memory of the process could be measured.
        load_ms: Wall milliseconds from the start of the box until the source was loaded.
        load_cpu_ms: CPU milliseconds until the source was loaded.
        idle_cpu_ms: CPU milliseconds used between questions.
        signal: The signal that ended the process; 0 if it exited by itself; SIGKILL usually comes from the parent.
    """

    cpu_ms: float = 0.0
    peak_mb: float = 0.0
    peak_is_lower_bound: bool = True
    load_ms: float = 0.0
    load_cpu_ms: float = 0.0
    idle_cpu_ms: float = 0.0
    signal: int = 0


@dataclass(frozen=True, slots=True)
class ExitStatus:
    """The kernel's report on a reaped child process: wait status, CPU microseconds, peak resident KiB."""

    wait_status: int
    cpu_us: int
    resident_kib: int

    @property
    def signal(self) -> int:
        """The signal that ended the process; 0 if it exited by itself."""
        return os.WTERMSIG(self.wait_status) if os.WIFSIGNALED(self.wait_status) else 0


def cpu_clock(pid: int) -> int | None:
    """The kernel's CPU clock of another process (see clock_getcpuclockid(3)); None where it cannot be read."""
    clock = (~pid << 3) | 2
    try:
        time.clock_gettime(clock)
    except (OSError, AttributeError):
        return None
    return clock


def core_delay(pid: int) -> float | None:
    """Seconds for which the main thread of a process was ready to run and had no core; None if the kernel is silent."""
    try:
        opened = os.open(f"/proc/{pid}/schedstat", os.O_RDONLY | os.O_CLOEXEC)
        try:
            return int(os.read(opened, 100).split()[1]) / 1e9
        finally:
            os.close(opened)
    except (OSError, ValueError, IndexError):
        return None


def count_threads(pid: int) -> int | None:
    """Number of threads of a process; None where the kernel does not say."""
    try:
        return os.stat(f"/proc/{pid}/task").st_nlink - 2  # a folder for each
    except OSError:
        return None
