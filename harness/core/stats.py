"""Statistics used for verdicts. All are pure functions of samples; random ones have a seed."""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Callable, Sequence


def median(samples: Sequence[float]) -> float | None:
    """The median; None without samples.

    Raises:
        ValueError: if a sample is NaN or infinite, which means that the clock is broken.
    """
    if not samples:
        return None
    if not all(math.isfinite(x) for x in samples):
        msg = "a sample is not a finite number"
        raise ValueError(msg)
    return statistics.median(samples)


def geometric_mean(values: Sequence[float]) -> float | None:
    """The geometric mean; None without values, 0 if a value is 0 or less."""
    if not values:
        return None
    if min(values) <= 0:
        return 0.0
    return math.exp(sum(map(math.log, values)) / len(values))


def bootstrap_interval(
    samples: Sequence[float],
    statistic: Callable[[Sequence[float]], float] = statistics.median,
    *,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> tuple[float, float] | None:
    """Percentile bootstrap interval of a statistic (Efron 1979); None without samples, a point for one."""
    if not samples:
        return None
    rng = random.Random(seed)  # noqa: S311 - resampling, not a secret
    n = len(samples)
    values = sorted(statistic(rng.choices(samples, k=n)) for _ in range(resamples))
    tail = (1 - confidence) / 2
    return values[int(tail * resamples)], values[min(resamples - 1, math.ceil((1 - tail) * resamples) - 1)]


def median_interval(groups: Sequence[Sequence[float]], *, seed: int = 0) -> tuple[float, float] | None:
    """95 % interval of the median of samples of several processes; None with fewer than two groups.

    Groups are resampled, each by its median, because samples of one process are correlated.
    """
    medians = sorted(statistics.median(group) for group in groups if group)
    if len(medians) < 2:
        return None
    if len(medians) < 6:  # the ends of the bootstrap: some resamples contain only the smallest, or the largest
        return medians[0], medians[-1]
    return bootstrap_interval(medians, resamples=500, seed=seed)


def flake_bound(clean_runs: int, *, confidence: float = 0.95) -> float:
    """The flake probability that `clean_runs` agreeing runs exclude: 1 - (1 - confidence)^(1/n).

    29 runs bound it to 10 %, 59 to 5 %, 299 to 1 % ("rule of three"). Without runs the bound is 1.0.
    """
    return 1.0 if clean_runs <= 0 else 1 - math.pow(1 - confidence, 1 / clean_runs)


def wilson_interval(successes: int, trials: int) -> tuple[float, float]:
    """Wilson's score interval of 95 % for a proportion (1927): valid for small counts and for 0 or n successes."""
    if trials <= 0:
        return 0.0, 1.0
    p, n, z = successes / trials, trials, 1.959964
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return max(0.0, centre - half), min(1.0, centre + half)


def spearman(pairs: Sequence[tuple[float, float]]) -> float:
    """Spearman's rank correlation of pairs, from -1 to 1; 0 if all values of one side are equal."""
    one, other = (_ranks([pair[side] for pair in pairs]) for side in (0, 1))
    middle = (len(pairs) - 1) / 2
    covariance = sum((a - middle) * (b - middle) for a, b in zip(one, other, strict=True))
    spread = (sum((a - middle) ** 2 for a in one) * sum((b - middle) ** 2 for b in other)) ** 0.5
    return covariance / spread if spread else 0.0


def _ranks(values: Sequence[float]) -> list[float]:
    """Ranks from 0; equal values share the mean of theirs."""
    ordered = sorted(values)
    return [ordered.index(value) + (ordered.count(value) - 1) / 2 for value in values]
