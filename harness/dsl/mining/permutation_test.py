"""Chance: how often labels dealt out at random would explain some numbers as well as the labels they have."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

FEW, MANY = 100, 60
"""Below so many ways to deal, no answer means anything; of more numbers than `MANY`, Student's t is to be trusted."""
_SHUFFLES = 999


def chance(groups: Sequence[Sequence[float]]) -> float:
    """The share of shuffles whose groups are at least as far apart (permutation test of the F statistic).

    0 where the test does not apply: where there are too few ways to shuffle, or so many numbers that it is not needed.
    """
    numbers = [value for group in groups for value in group]
    sizes = [len(group) for group in groups]
    if len(groups) < 2 or len(numbers) > MANY or _ways(sizes) < FEW:
        return 0.0
    middle = math.fsum(numbers) / len(numbers)
    numbers = [value - middle for value in numbers]
    # All sums of squares are the same, so the sum between groups alone orders the shuffles as F does.
    seen, dealer = _between(numbers, sizes), random.Random(0)  # noqa: S311 - the same answer every time
    as_far = 1
    for _ in range(_SHUFFLES):
        dealer.shuffle(numbers)
        as_far += _between(numbers, sizes) >= seen * (1 - 1e-12)
    return as_far / (_SHUFFLES + 1)


def _between(numbers: Sequence[float], sizes: Sequence[int]) -> float:
    found, start = 0.0, 0
    for size in sizes:
        found += sum(numbers[start : start + size]) ** 2 / size
        start += size
    return found


def _ways(sizes: Sequence[int]) -> float:
    """Ways to deal numbers into groups, those of one size being alike."""
    ways = math.lgamma(sum(sizes) + 1) - sum(math.lgamma(size + 1) for size in sizes)
    ways -= sum(math.lgamma(sizes.count(size) + 1) for size in set(sizes))
    return math.exp(min(ways, 50.0))
