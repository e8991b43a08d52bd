"""Noise: what else happened while something was measured. It belongs to the measurement, not to the subject."""

from __future__ import annotations

import math
import os
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.core.quality import Quality

WHOLE = 0.9
"""A call whose CPU time is less than this share of its wall time was kept waiting."""
MAX_DISTURBED = 0.25
"""More of the control calls kept waiting, and a median is no longer theirs."""
MAX_FOREIGN = 0.25
"""The most of the control calls' time that others may take."""
MAX_SPREAD = 0.10
"""The most by which two halves of the same calls may differ."""
SHORTEST = 0.2  # seconds; the kernel counts a core's time in ticks of 10 ms
SLEPT = 0.1  # seconds by which clocks that stop and do not stop during a suspend may differ
FEWEST = 6  # calls, to be halved and compared


@dataclass(slots=True)
class Tally:
    """Timed calls of one kind: `wall` and `cpu` seconds of each, taken at the same two moments."""

    wall: list[float]
    cpu: list[float]


def disturbed(control: Tally) -> float:
    """The share of calls that were kept waiting."""
    waiting = sum(cpu < WHOLE * wall for wall, cpu in zip(control.wall, control.cpu, strict=True))
    return waiting / len(control.wall) if control.wall else 0.0


def foreign(control: Tally) -> float | None:
    """The share of the calls' time in which whoever worked at them wanted the core and did not have it.

    What happens on the core between calls (boxes that start and end) has no part in it. None of nothing.
    """
    wall = math.fsum(control.wall)
    return max(0.0, 1 - math.fsum(control.cpu) / wall) if 0 < wall < math.inf else None


def spread(samples: Sequence[float], scale: float = 0.0) -> float | None:
    """The difference between every other sample and the rest, as a share of their median or of `scale`, if longer.

    Args:
        samples: Seconds of equal calls.
        scale: Seconds of the calls that are to be told apart.

    Returns:
        None of too few samples, of nothing but zeros, and of what no clock should say: that is for `verdict` to judge.
    """
    if len(samples) < FEWEST or not all(0 <= one < math.inf for one in samples):
        return None
    one, other = statistics.median(samples[::2]), statistics.median(samples[1::2])
    whole = max(one, other, scale if math.isfinite(scale) else 0.0)
    return abs(one - other) / whole if whole > 0 else None


def verdict(quality: Quality, samples: Sequence[float], *, alone: str = "", slept: float = 0.0) -> str:
    """Why a measurement is too noisy to be used; empty when it is fit.

    Args:
        quality: What was observed.
        samples: All timed calls, seconds.
        alone: Why the lock was not held.
        slept: Seconds that the machine was suspended meanwhile.
    """
    if not samples:
        return "nothing was timed"
    if not all(math.isfinite(one) and one >= 0 for one in samples):
        return "the clock ran backwards, or not at all"
    if slept > SLEPT:
        return f"the machine was suspended for {slept:.1f} s"
    if alone:
        return alone
    if quality.pinned and quality.foreign is not None and quality.foreign > MAX_FOREIGN:
        return f"others took {quality.foreign:.0%} of the control calls' time"
    if quality.pinned and quality.disturbed > MAX_DISTURBED:
        return f"{quality.disturbed:.0%} of the control calls were kept waiting"
    if quality.spread is not None and quality.spread > MAX_SPREAD:
        return f"equal calls differ by {quality.spread:.0%}"
    return ""


class Watch:
    """Looks at the machine, when made and when finished.

    Attributes:
        involuntary, load, pressure: See `Quality`.
        slept: Seconds that the machine was suspended.
    """

    def __init__(self) -> None:
        self.involuntary = 0
        self.load: float | None = None
        self.pressure: float | None = None
        self.slept = 0.0
        self._start = _Glance.take()

    def finish(self, cpu_seconds: float) -> None:
        """Look again.

        Args:
            cpu_seconds: What this process and its boxes used meanwhile.
        """
        before, after = self._start, _Glance.take()
        wall = after.wall - before.wall
        self.involuntary = max(0, after.involuntary - before.involuntary)
        self.slept = max(0.0, (after.boot - before.boot) - wall)
        if wall <= 0:
            return
        if before.stall is not None and after.stall is not None:
            self.pressure = max(0.0, after.stall - before.stall) / wall
        if wall < SHORTEST:
            return
        if before.all_busy is not None and after.all_busy is not None:
            self.load = max(0.0, after.all_busy - before.all_busy - cpu_seconds) / wall


@dataclass(frozen=True, slots=True)
class _Glance:
    wall: float
    boot: float
    involuntary: int
    all_busy: float | None
    stall: float | None

    @classmethod
    def take(cls) -> _Glance:
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
    """Seconds that each core was busy since boot, time taken by the hypervisor included; empty where unknown."""
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
