"""Noise: how much other work on the machine disturbs a measurement."""

from __future__ import annotations

import math
import os
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.core.quality import Quality

MIN_CPU_SHARE = 0.9  # a call whose CPU time is below this share of its wall time was delayed
MAX_DISTURBED = 0.25  # maximum share of delayed control calls; above it, their median is unreliable
MAX_FOREIGN = 0.25  # maximum share of the control calls' time that other processes may take
MAX_SPREAD = 0.10  # maximum relative difference between two halves of equal calls
MIN_WATCHED_SECONDS = 0.2  # the kernel counts a core's time in ticks of 10 ms
MAX_SUSPENDED_SECONDS = 0.1  # difference between the clocks that stop and do not stop during a suspend
MIN_CALLS = 6  # calls needed to compare their halves


@dataclass(slots=True)
class CallTimes:
    """Timed calls of one kind: wall and CPU seconds of each call, read at the same two moments."""

    wall: list[float]
    cpu: list[float]


def disturbed(control: CallTimes) -> float:
    """The share of calls that were delayed."""
    waiting = sum(cpu < MIN_CPU_SHARE * wall for wall, cpu in zip(control.wall, control.cpu, strict=True))
    return waiting / len(control.wall) if control.wall else 0.0


def foreign(control: CallTimes) -> float | None:
    """The share of the calls' wall time in which the called process was ready to run but had no core.

    Work on the core between calls (boxes that start and end) does not count. None without calls.
    """
    wall = math.fsum(control.wall)
    return max(0.0, 1 - math.fsum(control.cpu) / wall) if 0 < wall < math.inf else None


def spread(samples: Sequence[float], scale: float = 0.0) -> float | None:
    """The difference between the medians of even and odd samples, relative to the larger of them and `scale`.

    Args:
        samples: Seconds of equal calls.
        scale: Seconds of the calls that the measurement must distinguish.

    Returns:
        None for fewer than `MIN_CALLS` samples, for zeros only, and for invalid times, which `verdict` reports.
    """
    if len(samples) < MIN_CALLS or not all(0 <= one < math.inf for one in samples):
        return None
    one, other = statistics.median(samples[::2]), statistics.median(samples[1::2])
    whole = max(one, other, scale if math.isfinite(scale) else 0.0)
    return abs(one - other) / whole if whole > 0 else None


def verdict(quality: Quality, samples: Sequence[float], *, alone: str = "", slept: float = 0.0) -> str:
    """Why a measurement is too noisy to be used; empty when it can be used.

    Args:
        samples: Seconds of all timed calls.
        alone: Why the lock was not held; empty when it was.
        slept: Seconds for which the machine was suspended during the measurement.
    """
    if not samples:
        return "nothing was timed"
    if not all(math.isfinite(one) and one >= 0 for one in samples):
        return "the clock returned invalid times"
    if slept > MAX_SUSPENDED_SECONDS:
        return f"the machine was suspended for {slept:.1f} s"
    if alone:
        return alone
    if quality.pinned and quality.foreign is not None and quality.foreign > MAX_FOREIGN:
        return f"other processes took {quality.foreign:.0%} of the control calls' time"
    if quality.pinned and quality.disturbed > MAX_DISTURBED:
        return f"{quality.disturbed:.0%} of the control calls were delayed"
    if quality.spread is not None and quality.spread > MAX_SPREAD:
        return f"equal calls differ by {quality.spread:.0%}"
    return ""


class MachineMonitor:
    """Samples the state of the machine when created and when finished.

    Attributes:
        involuntary, load, pressure: See `Quality`.
        slept: Seconds for which the machine was suspended.
    """

    def __init__(self) -> None:
        self.involuntary = 0
        self.load: float | None = None
        self.pressure: float | None = None
        self.slept = 0.0
        self._start = _MachineSample.take()

    def finish(self, cpu_seconds: float) -> None:
        """Take the second sample and compute the differences.

        Args:
            cpu_seconds: CPU seconds that this process and its boxes used in between.
        """
        before, after = self._start, _MachineSample.take()
        wall = after.wall - before.wall
        self.involuntary = max(0, after.involuntary - before.involuntary)
        self.slept = max(0.0, (after.boot - before.boot) - wall)
        if wall <= 0:
            return
        if before.stall is not None and after.stall is not None:
            self.pressure = max(0.0, after.stall - before.stall) / wall
        if wall < MIN_WATCHED_SECONDS:
            return
        if before.all_busy is not None and after.all_busy is not None:
            self.load = max(0.0, after.all_busy - before.all_busy - cpu_seconds) / wall


@dataclass(frozen=True, slots=True)
class _MachineSample:
    wall: float
    boot: float
    involuntary: int
    all_busy: float | None
    stall: float | None

    @classmethod
    def take(cls) -> _MachineSample:
        import resource

        wall = time.monotonic()
        boot = time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else wall
        who = getattr(resource, "RUSAGE_THREAD", resource.RUSAGE_SELF)
        return cls(
            wall=wall,
            boot=boot,
            involuntary=resource.getrusage(who).ru_nivcsw,
            all_busy=busy_seconds().get("cpu"),
            stall=_stall(),
        )


def busy_seconds() -> dict[str, float]:
    """Seconds for which each core was busy since boot, including time taken by the hypervisor; empty where unknown."""
    try:
        lines = Path("/proc/stat").read_text("ascii").splitlines()
        tick = os.sysconf("SC_CLK_TCK")
        # user nice system idle iowait irq softirq steal; guest time is part of user time
        fields = {line.split()[0]: [int(one) for one in line.split()[1:9]] for line in lines if line.startswith("cpu")}
    except (OSError, ValueError):
        return {}
    return {name: (sum(ticks) - sum(ticks[3:5])) / tick for name, ticks in fields.items()}


def _stall() -> float | None:
    try:
        first = Path("/proc/pressure/cpu").read_text("ascii").partition("\n")[0]
        return int(first.rpartition("total=")[2]) / 1e6
    except (OSError, ValueError):
        return None
