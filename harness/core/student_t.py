"""Student's t distribution: the quantile in standard errors when the standard error is estimated."""

from __future__ import annotations

import functools
import math


@functools.lru_cache(maxsize=4096)
def upper_quantile(tail: float, freedom: int) -> float:
    """The t that is exceeded with probability `tail`, by bisection of the distribution function.

    Args:
        tail: Between 0 and 0.5, exclusive.
        freedom: Degrees of freedom, at least 1.

    Raises:
        ValueError: if an argument is outside these bounds.
    """
    if not 0 < tail < 0.5 or freedom < 1:
        msg = f"no quantile for a tail of {tail} and {freedom} degrees of freedom"
        raise ValueError(msg)
    high = 1.0
    while _upper_tail(high, freedom) > tail:
        high *= 2
    low = 0.0
    for _ in range(80):
        middle = (low + high) / 2
        if _upper_tail(middle, freedom) > tail:
            low = middle
        else:
            high = middle
    return high


def _upper_tail(t: float, freedom: int) -> float:
    """P(T > t) for t >= 0: half of the regularised incomplete beta function."""
    return _beta(freedom / (freedom + t * t), freedom / 2, 0.5) / 2


def _beta(x: float, a: float, b: float) -> float:
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):  # the fraction converges fast below this point only
        return 1 - _beta(1 - x, b, a)
    scale = a * math.log(x) + b * math.log1p(-x) + math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    return math.exp(scale) / a * _fraction(x, a, b)


def _fraction(x: float, a: float, b: float) -> float:
    """The continued fraction of the incomplete beta function (DLMF 8.17.22), by Lentz's method."""
    c, d = 1.0, 1 / (1 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, 1_000):
        before = value
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d, c = 1 / (1 + term * d), 1 + term / c
            value *= c * d
        if abs(value - before) <= 1e-15 * abs(value):
            break
    return value
