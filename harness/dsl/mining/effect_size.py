"""Effect: how much better one group of subjects is than another, with a confidence interval.

Numbers are compared as logarithms, so that a difference is a ratio. The noise is pooled over all subjects of a setting
(two runs of one subject say little, two runs of ten subjects say a lot). Intervals use Student's t with the Bonferroni
correction for the number of comparisons: together they hold in 95 of 100 cases.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from harness.core.student_t import upper_quantile
from harness.dsl.mining.measurement import Measurement

TAIL = 0.025  # one-sided error probability over all comparisons
MIN_RATIO = 1.01  # a smaller ratio is not reported as an improvement, however certain it is
MAX_P_VALUE = 0.05  # permutation p-value up to which a difference counts
_ROUNDS = 200
_Key = TypeVar("_Key")
_Other = TypeVar("_Other")


@dataclass(frozen=True, slots=True)
class Noise:
    """How much repeated measurements of the same subject differ.

    Attributes:
        variance: Variance of the logarithms; 0 if unknown.
        freedom: Degrees of freedom of the estimate; 0 if the variance is unknown.
    """

    variance: float = 0.0
    freedom: int = 0

    @property
    def width(self) -> float:
        """The width of an interval with this noise, up to a constant factor; infinite if the noise is unknown."""
        return math.sqrt(self.variance) * upper_quantile(0.01, self.freedom) if self.freedom else math.inf


@dataclass(frozen=True, slots=True)
class Effect:
    """How much better one group is than another.

    Attributes:
        ratio: Ratio of the medians; above 1 is better.
        low: Lower end of the interval.
        high: Upper end of the interval.
        samples: Numbers on both sides together.
        pairs: Comparisons that were combined.
        known: Whether the noise was measured; otherwise single numbers were compared with an assumed interval.
        spread: Relative standard deviation of the numbers of one subject; None if it was not measured.
        p_value: Permutation p-value of the setting; 0 where the test does not apply.
    """

    ratio: float
    low: float
    high: float
    samples: int
    pairs: int = 1
    known: bool = True
    spread: float | None = None
    p_value: float = 0.0

    @property
    def helps(self) -> bool:
        """Whether it is an improvement beyond noise."""
        return self.low > 1 and self.ratio >= MIN_RATIO and self.p_value <= MAX_P_VALUE

    @property
    def hurts(self) -> bool:
        """Whether it is a deterioration beyond noise."""
        return self.high < 1 and self.ratio <= 1 / MIN_RATIO and self.p_value <= MAX_P_VALUE


Group = Sequence[Measurement]
"""Subjects that are made the same way."""


def noise_of(groups: Iterable[Group]) -> Noise:
    """The noise of one setting: the larger one of that between subjects made the same way and that between runs."""
    groups = list(groups)
    between = _pooled([[member.merit for member in group] for group in groups])
    within = _of_runs([member for group in groups for member in group])
    return max(between, within, key=lambda noise: (noise.freedom > 0, noise.variance))


def _pooled(groups: Iterable[Sequence[float]]) -> Noise:
    squares, freedom = 0.0, 0
    for values in groups:
        if len(values) > 1:
            middle = statistics.fmean(values)
            squares += sum((value - middle) ** 2 for value in values)
            freedom += len(values) - 1
    return Noise(squares / freedom, freedom) if freedom else Noise()


def _of_runs(members: Sequence[Measurement]) -> Noise:
    """The residual noise of a model with one level per subject and one per run (a machine can be slower in one run)."""
    plain = _pooled([[value for _, value in member.merits] for member in members])
    seen = [(number, run, value) for number, member in enumerate(members) for run, value in member.merits]
    runs = {run for _, run, _ in seen}
    freedom = len(seen) - len(members) - len(runs) + components((number, run) for number, run, _ in seen)
    if freedom < 1 or len(runs) < 2:
        return plain
    squares = sum(left * left for left in additive(seen)[1])
    by_run = Noise(squares / freedom, freedom)
    # Levels of runs use degrees of freedom: the plain estimate is narrower where the runs agree.
    return min(plain, by_run, key=lambda noise: noise.width)


def additive(seen: Sequence[tuple[_Key, _Other, float]]) -> tuple[dict[_Other, float], list[float]]:
    """Fit a level for the first key plus a shift for the second by alternating means: (shifts, residuals)."""
    levels, shifts = {one: 0.0 for one, _, _ in seen}, {other: 0.0 for _, other, _ in seen}
    for _ in range(_ROUNDS):
        levels = _means((one, value - shifts[other]) for one, other, value in seen)
        before, shifts = shifts, _means((other, value - levels[one]) for one, other, value in seen)
        if all(abs(shifts[other] - before[other]) < 1e-12 for other in shifts):
            break
    return shifts, [value - levels[one] - shifts[other] for one, other, value in seen]


def _means(pairs: Iterable[tuple[_Key, float]]) -> dict[_Key, float]:
    found: dict[_Key, list[float]] = {}
    for key, value in pairs:
        found.setdefault(key, []).append(value)
    return {key: statistics.fmean(values) for key, values in found.items()}


def components(pairs: Iterable[tuple[object, object]]) -> int:
    """The number of connected components of a bipartite graph."""
    root: dict[tuple[int, object], tuple[int, object]] = {}

    def find(one: tuple[int, object]) -> tuple[int, object]:
        while root.setdefault(one, one) != one:
            root[one] = root[root[one]]
            one = root[one]
        return one

    for first, second in pairs:
        root[find((0, first))] = find((1, second))
    return sum(find(one) == one for one in list(root))


def effect(before: Group, after: Group, noise: Noise, *, comparisons: int, min_ratio: float) -> Effect:
    """How much better `after` is than `before`.

    Args:
        min_ratio: Ratio by which single numbers must differ where the noise is unknown.
    """
    old, new, own = _sides(before, after)
    sign = -1 if before[0].lower_is_better else 1
    differences = [_median(new, sign) - _median(old, sign), statistics.fmean(new) - statistics.fmean(old)]
    samples = sum(len(member.samples) for member in (*before, *after))
    freedom = noise.freedom or own.freedom
    if not freedom:
        half = math.log(min_ratio)
        return _made(differences[:1], differences[0] - half, differences[0] + half, samples, known=False)
    variance = max(noise.variance, own.variance)
    error = math.sqrt(variance * (1 / len(old) + 1 / len(new)))
    half = error * upper_quantile(TAIL / max(1, comparisons), freedom)
    # An outlier moves the mean and a bimodal sample moves the median: the interval covers both differences.
    low, high = min(differences) - half, max(differences) + half
    return _made(differences[:1], low, high, samples, spread=math.sqrt(variance))


def _median(merits: Sequence[float], sign: int) -> float:
    """The merit of the median number: of two middle numbers their mean, not the mean of their logarithms."""
    return sign * math.log(statistics.median(math.exp(sign * merit) for merit in merits))


def _sides(before: Group, after: Group) -> tuple[list[float], list[float], Noise]:
    """The merits of both sides and their own noise; two single subjects are paired by the runs they share."""
    if len(before) == 1 and len(after) == 1:
        old, new = _means(before[0].merits), _means(after[0].merits)
        shared = [run for run in old if run in new]
        if len(shared) == len(before[0].samples) == len(after[0].samples):
            pairs = [(old[run], new[run]) for run in shared]
            apart = _pooled([[b - a for a, b in pairs]])
            return [a for a, _ in pairs], [b for _, b in pairs], Noise(apart.variance / 2, apart.freedom)
        kept = [[v for run, v in one[0].merits if run in shared or not shared] for one in (before, after)]
    else:
        kept = [
            [member.merit for member in one] if len(one) > 1 else [value for _, value in one[0].merits]
            for one in (before, after)
        ]
    return kept[0], kept[1], _pooled(kept)


def combined(effects: Sequence[Effect], *, comparisons: int) -> Effect:
    """One effect from several contexts: it must hold in each of them, or in the mean of more than two."""
    if len(effects) == 1:
        return effects[0]
    middles = [math.log(one.ratio) for one in effects]
    low, high = math.log(min(one.low for one in effects)), math.log(max(one.high for one in effects))
    if len(effects) > 2:
        seen = _pooled([middles])
        half = math.sqrt(seen.variance / len(middles)) * upper_quantile(TAIL / max(1, comparisons), seen.freedom)
        middle = statistics.fmean(middles)
        if not low > 0:
            low = middle - half
        if not high < 0:
            high = middle + half
    spreads = [one.spread for one in effects if one.spread is not None]
    return _made(
        middles,
        min(low, statistics.fmean(middles)),
        max(high, statistics.fmean(middles)),
        sum(one.samples for one in effects),
        known=all(one.known for one in effects) or len(effects) > 2,
        spread=max(spreads, default=None),
    )


def _made(
    middles: Sequence[float], low: float, high: float, samples: int, *, known: bool = True, spread: float | None = None
) -> Effect:
    ratio = math.exp(statistics.fmean(middles))
    return Effect(ratio, math.exp(low), math.exp(high), samples, len(middles), known, spread)
