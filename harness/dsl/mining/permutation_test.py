"""Permutation test: how often shuffled labels separate the numbers at least as far as the real labels."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

MIN_WAYS = 100  # with fewer distinct permutations the p-value is meaningless
MAX_NUMBERS = 60  # with more numbers Student's t is reliable
_SHUFFLES = 999


def p_value(groups: Sequence[Sequence[float]]) -> float:
    """The permutation p-value of the F statistic.

    0 where the test does not apply: too few distinct permutations, or so many numbers that it is not needed.
    """
    numbers = [value for group in groups for value in group]
    sizes = [len(group) for group in groups]
    if len(groups) < 2 or len(numbers) > MAX_NUMBERS or _ways(sizes) < MIN_WAYS:
        return 0.0
    middle = math.fsum(numbers) / len(numbers)
    numbers = [value - middle for value in numbers]
    # The total sum of squares is constant, so the sum between groups orders the shuffles as F does.
    seen, generator = _between(numbers, sizes), random.Random(0)  # noqa: S311 - reproducible
    as_far = 1
    for _ in range(_SHUFFLES):
        generator.shuffle(numbers)
        as_far += _between(numbers, sizes) >= seen * (1 - 1e-12)
    return as_far / (_SHUFFLES + 1)


def _between(numbers: Sequence[float], sizes: Sequence[int]) -> float:
    found, start = 0.0, 0
    for size in sizes:
        found += sum(numbers[start : start + size]) ** 2 / size
        start += size
    return found


def _ways(sizes: Sequence[int]) -> float:
    """The number of distinct partitions of the numbers into groups of these sizes."""
    ways = math.lgamma(sum(sizes) + 1) - sum(math.lgamma(size + 1) for size in sizes)
    ways -= sum(math.lgamma(sizes.count(size) + 1) for size in set(sizes))
    return math.exp(min(ways, 50.0))
