"""Measurement: a kernel compared with the fastest baseline, computed from the samples of timed rounds.

The speed-up is T_baseline / T_kernel, its interval a bootstrap over rounds. The speed of light is the roofline of
Williams et al. (2009) with ceilings that were measured in the same session, not with a data sheet's. The SOL score is
S = 1 / (1 + (T_k - T_SOL) / (T_b - T_SOL)): one half at the baseline, one at the speed of light (SOL-ExecBench, 2026).
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

from harness.core.frozen import Frozen
from harness.core.stats import bootstrap_interval

NOISY = 0.10  # an interval wider than this share of the ratio is too noisy for a speed-up
IMPOSSIBLE = 0.8  # a kernel that needs less than this share of the measured speed of light did not compute everything
_MIN_MARGIN = 0.02  # the least distance between baseline and speed of light, as a share of the baseline's time


class Ceilings(Frozen):
    """The best rates of the device in this session."""

    bytes_per_s: float
    """Bytes read plus bytes written by a large copy, per second."""
    tflops: dict[str, float]
    """The rate of a large product of random numbers, by precision."""
    l2_bytes: int

    def floor_ms(self, *, flops: int, bytes_moved: int, precision: str) -> float:
        """The least time for an amount of work; 0 if no rate was measured for the precision.

        The bandwidth of memory does not limit work whose data fits into the cache.
        """
        rate = self.tflops.get(precision)
        if not rate:
            return 0.0
        memory = bytes_moved / self.bytes_per_s if bytes_moved > 4 * self.l2_bytes else 0.0
        return max(flops / (rate * 1e12), memory) * 1000


class Rounds(Frozen):
    """Milliseconds of cold calls of kernel and baseline, for each round."""

    kernel: tuple[tuple[float, ...], ...]
    baseline: tuple[tuple[float, ...], ...]

    @property
    def ratios(self) -> list[float]:
        """The speed-up of each round."""
        pairs = zip(self.kernel, self.baseline, strict=True)
        return [statistics.median(baseline) / statistics.median(kernel) for kernel, baseline in pairs]

    @property
    def kernel_ms(self) -> float:
        """Median of all calls of the kernel."""
        return statistics.median(value for block in self.kernel for value in block)

    @property
    def baseline_ms(self) -> float:
        """Median of all calls of the baseline."""
        return statistics.median(value for block in self.baseline for value in block)


class Measurement(Frozen):
    """One kernel at one target."""

    target: str
    dtype: str
    flops: int
    bytes: int
    kernel_ms: float
    """Median of all cold calls."""
    baseline_ms: float
    fastest: str
    """The name of that baseline."""
    baselines: dict[str, float | None]
    """Milliseconds of every baseline from one block each; None if it did not run."""
    absent: dict[str, str]
    """Why a baseline did not run."""
    speedup: float | None
    """None if the interval is too wide."""
    interval: tuple[float, float] | None
    """95 % bootstrap interval of the speed-up."""
    tflops: float
    gb_per_s: float
    floor_ms: float
    light: float | None
    """The share of the measured speed of light; None if no ceiling was measured."""
    sol: float | None
    samples: Rounds
    peak_mb: float | None = None
    states: tuple[dict[str, float | None], ...] = ()
    """Clock, power and temperature of the device before each round."""


def summarise(rounds: Rounds, ceilings: Ceilings, **known: Any) -> Measurement:
    """Compute a measurement from its samples.

    Args:
        known: The fields that do not follow from them.
    """
    flops, moved, kernel_ms, ratios = known["flops"], known["bytes"], rounds.kernel_ms, rounds.ratios
    interval = bootstrap_interval(ratios)
    steady = interval is not None and interval[1] - interval[0] <= NOISY * statistics.median(ratios)
    floor = ceilings.floor_ms(flops=flops, bytes_moved=moved, precision=known["dtype"])
    return Measurement(
        **known,
        kernel_ms=kernel_ms,
        baseline_ms=rounds.baseline_ms,
        speedup=statistics.median(ratios) if steady else None,
        interval=interval,
        tflops=flops / kernel_ms / 1e9,
        gb_per_s=moved / kernel_ms / 1e6,
        floor_ms=floor,
        light=min(1.0, floor / kernel_ms) if floor else None,
        sol=_sol(kernel_ms, rounds.baseline_ms, floor) if steady and floor else None,
        samples=rounds,
    )


def _sol(kernel: float, baseline: float, floor: float) -> float:
    margin = max(baseline - floor, _MIN_MARGIN * baseline)
    return min(1.0, 1 / (1 + max(0.0, kernel - floor) / margin))


def fast_p(speedups: Sequence[float | None], p: float) -> float | None:
    """The share of problems whose kernel is right and more than p times as fast (KernelBench); None without problems.

    A wrong kernel, and one without a known speed-up, lowers the share.
    """
    if not speedups:
        return None
    return sum(value is not None and value > p for value in speedups) / len(speedups)
