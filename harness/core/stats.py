"""Statistics used for verdicts. All are plain functions of samples; none draws a random number without a seed."""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Callable, Sequence


def median(samples: Sequence[float]) -> float | None:
    """The median, or None of nothing. Samples that are not finite are refused.

    Raises:
        ValueError: on NaN or infinity; a clock that yields them is broken.
    """
    if not samples:
        return None
    if not all(math.isfinite(x) for x in samples):
        msg = "a sample is not a finite number"
        raise ValueError(msg)
    return statistics.median(samples)


def geometric_mean(values: Sequence[float]) -> float | None:
    """The geometric mean, None of nothing, 0 as soon as one value is 0."""
    if not values:
        return None
    if any(v <= 0 for v in values):
        return 0.0
    return math.exp(sum(math.log(v) for v in values) / len(values))


def bootstrap_interval(
    samples: Sequence[float],
    statistic: Callable[[Sequence[float]], float] = statistics.median,
    *,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> tuple[float, float] | None:
    """Percentile bootstrap interval of a statistic (Efron 1979); None of nothing, a point for one sample."""
    if not samples:
        return None
    rng = random.Random(seed)  # noqa: S311 - resampling, not a secret
    n = len(samples)
    values = sorted(statistic(rng.choices(samples, k=n)) for _ in range(resamples))
    tail = (1 - confidence) / 2
    return values[int(tail * resamples)], values[min(resamples - 1, math.ceil((1 - tail) * resamples) - 1)]


def median_interval(groups: Sequence[Sequence[float]], *, seed: int = 0) -> tuple[float, float] | None:
    """95 % interval of the median of samples that come from a few processes each; None of fewer than two groups.

    Groups are what is resampled, each standing for itself by its median: samples of one process are alike.
    """
    medians = sorted(statistics.median(group) for group in groups if group)
    if len(medians) < 2:
        return None
    if len(medians) < 6:  # the bootstrap's own ends: some resample consists of the least, or the greatest, alone
        return medians[0], medians[-1]
    return bootstrap_interval(medians, resamples=500, seed=seed)


def flake_bound(clean_runs: int, *, confidence: float = 0.95) -> float:
    """The flake probability that `clean_runs` agreeing runs exclude: 1 - (1 - confidence)^(1/n).

    29 runs bound it to 10 %, 59 to 5 %, 299 to 1 % ("rule of three"). With no run at all nothing is excluded: 1.0.
    """
    if clean_runs <= 0:
        return 1.0
    return 1 - math.pow(1 - confidence, 1 / clean_runs)


def wilson_interval(successes: int, trials: int, *, z: float = 1.959964) -> tuple[float, float]:
    """Wilson's score interval for a proportion (1927): honest for small counts and for 0 or n successes."""
    if trials <= 0:
        return 0.0, 1.0
    p, n = successes / trials, trials
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return max(0.0, centre - half), min(1.0, centre + half)
