"""Paired comparison: is one subject slower than another, by calls made in pairs on the same inputs?

A pair is one call of each side on one input, in alternating order (ABBA), so that disturbances of the machine affect
both. Pairs made by the same two processes form a group: processes of equal code differ, by their memory layout, more
than their calls do (Kalibera and Jones, "Rigorous Benchmarking in Reasonable Time", 2013), so groups are resampled. The
A/A control does the same with two processes of one subject: its differences are noise.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, NonNegativeInt

from harness.core.frozen import Frozen

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Groups = Sequence[Sequence[float]]
"""Logarithms of subject time / opponent time, by group and pair."""

MIN_EFFECT = 0.02  # relative difference below which a difference is not reported, however certain it is
DEVIATIONS = 3.0  # an effect is reported if it exceeds so many standard deviations of the A/A control
OBVIOUS = 10.0  # an effect of so many standard deviations is reported even if the measurement is coarse
PRECISE = 0.01  # rounds are added until the control's standard deviation is at most this
MIN_GROUPS = 6  # with fewer groups their variation cannot be estimated
STEP_NOISE = 0.15  # the standard deviation of a difference in steps is taken to be at least this (`settle`)
MAD_TO_DEVIATION, MEDIAN_TO_MEAN = 1.4826, 1.2533
"""Of normal samples: standard deviation / median absolute deviation; standard error of their median / of their mean."""
RESAMPLES = 1000
CONFIDENCE = 0.95
_AT_ONCE = 100  # resamples held in memory at a time: some MB with a few thousand pairs


class Verdict(StrEnum):
    """The verdict of a comparison on the subject."""

    SLOWER = "slower"
    FASTER = "faster"
    ALIKE = "alike"
    """No difference that is both significant and above the threshold."""
    UNDERPOWERED = "underpowered"
    """The measurement is too coarse for a verdict."""


class Comparison(Frozen):
    """A subject against one opponent. Times are net of a null call."""

    role: str = "rival"
    """The relation of the opponent to the subject: `reference`, `parent`, `champion`."""
    rival: str = ""
    """Name of the opponent."""
    digest: str = ""
    """Digest of the opponent; empty for a reference."""
    verdict: Verdict
    why: str
    """The reason for the verdict, one sentence."""
    clock: Literal["wall", "cpu"] = "wall"
    """`cpu`: other processes delayed the calls, so CPU times were compared; only for subjects that do not sleep."""
    ratio: Amount | None = None
    """Median over all pairs of subject time / opponent time; above 1 is slower."""
    low: Amount | None = None
    high: Amount | None = None
    """95 % interval of the ratio: a bootstrap over groups."""
    deviation: Amount | None = None
    """Standard deviation of the median ratio of the A/A control, or the subject's own if larger; None without one."""
    threshold: Amount | None = None
    """The smallest relative difference that is reported: max(2 %, 3 deviations)."""
    control: Amount | None = None
    """Median ratio of the A/A control; its difference from 1 is error."""
    false_alarms: NonNegativeInt = 0
    """Number of the `experiments` resampled A/A experiments that would report equal subjects as different."""
    experiments: NonNegativeInt = 0
    pairs: NonNegativeInt = 0
    groups: NonNegativeInt = 0
    instructions: Amount | None = None
    """Instructions of the subject / the opponent (user mode, median over groups); None where not counted."""
    dropped: NonNegativeInt = 0
    """Pairs left out because one of their calls was delayed."""

    @property
    def decided(self) -> bool:
        """Whether the measurement was precise enough for a verdict."""
        return self.verdict is not Verdict.UNDERPOWERED


def compare(pairs: Groups, control: Groups, *, seed: int = 0) -> Comparison:
    """Compare a subject with an opponent.

    Args:
        pairs: log(subject / opponent) of each pair, by group. Groups without pairs are left out.
        control: log(opponent / opponent) of the A/A control, by group; measured alternately with those of `pairs`.

    Raises:
        ValueError: if a logarithm is not finite, which means that the clock is broken.
    """
    pairs, control = _clean(pairs), _clean(control)
    count, groups = sum(map(len, pairs)), len(pairs)
    if groups < MIN_GROUPS or len(control) < MIN_GROUPS:
        why = f"{groups} groups of pairs and {len(control)} of the control; {MIN_GROUPS} of each are needed"
        return Comparison(verdict=Verdict.UNDERPOWERED, why=why, pairs=count, groups=groups)
    centre = pooled(pairs)
    draws = resampled(pairs, seed)
    low, high = _interval(draws)
    # A few groups may by chance agree more than usual, but rarely those of both subject and control.
    spread = max(_deviation(draws, groups), _deviation(resampled(control, seed), len(control)))
    threshold = max(MIN_EFFECT, DEVIATIONS * spread)
    found = Comparison(
        verdict=Verdict.ALIKE,
        why="",
        ratio=math.exp(centre),
        low=math.exp(low),
        high=math.exp(high),
        deviation=spread,
        threshold=threshold,
        control=math.exp(pooled(control)),
        false_alarms=false_alarms(control, threshold, seed),
        experiments=RESAMPLES,
        pairs=count,
        groups=groups,
    )
    verdict, why = _judge(found)
    return found.model_copy(update={"verdict": verdict, "why": why})


def ratio_to(pairs: Groups, *, seed: int = 0) -> tuple[float, float, float] | None:
    """Median ratio and its 95 % interval, without a control; None with too few groups."""
    pairs = _clean(pairs)
    if len(pairs) < MIN_GROUPS:
        return None
    low, high = _interval(resampled(pairs, seed))
    return math.exp(pooled(pairs)), math.exp(low), math.exp(high)


def settle(differences: Sequence[float]) -> tuple[int, bool]:
    """The number of whole steps that repeated measurements of one difference prove, and whether that is certain.

    It is certain if the median and two standard errors to either side round to the same number. Where it is not, the
    number nearer to 0 counts: a difference within the noise is none. The deviation follows from that of the median
    (Rousseeuw and Croux, "Alternatives to the Median Absolute Deviation", 1993), so a measurement that another process
    disturbed has little weight.

    Args:
        differences: In steps; at least one.
    """
    centre = statistics.median(differences)
    deviation = MAD_TO_DEVIATION * statistics.median(abs(one - centre) for one in differences)
    margin = 2 * MEDIAN_TO_MEAN * max(STEP_NOISE, deviation) / math.sqrt(len(differences))
    proved = round(math.copysign(max(0.0, abs(centre) - margin), centre))
    return proved, proved == round(abs(centre) + margin) * (1 if centre > 0 else -1)


def pooled(groups: Groups) -> float:
    """The median over all pairs of all groups."""
    return statistics.median([one for group in groups for one in group])


def resampled(groups: Groups, seed: int) -> list[float]:
    """The pooled median of each of `RESAMPLES` samples of whole groups, with replacement (cluster bootstrap).

    The values are sorted once; a draw gives the weight of each value, and its median is at half the total weight.
    """
    import numpy as np

    values, group = _flat(groups)
    order = np.argsort(values)
    values, group = values[order], group[order]
    found: list[float] = []
    for rng, count in _portions(seed):
        drawn = rng.multinomial(len(groups), [1 / len(groups)] * len(groups), size=count).astype(np.int32)
        passed = np.cumsum(drawn[:, group], axis=1)
        total = passed[:, -1:]
        below, above = ((passed > middle).argmax(axis=1) for middle in ((total - 1) // 2, total // 2))
        found += ((values[below] + values[above]) / 2).tolist()
    return found


def false_alarms(control: Groups, threshold: float, seed: int) -> int:
    """Number of `RESAMPLES` experiments with equal sides that would report a difference.

    The order of two processes of one subject is arbitrary, so flipping the signs of random groups gives another
    experiment of the same kind (a permutation under the null hypothesis).
    """
    import numpy as np

    values, group = _flat(control)
    bound, found = math.log1p(threshold), 0
    for rng, count in _portions(seed):
        signs = rng.choice((-1.0, 1.0), size=(count, len(control)))
        found += int((np.abs(np.median(signs[:, group] * values, axis=1)) > bound).sum())
    return found


def _flat(groups: Groups) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """All values, and the index of the group of each; two arrays of the same length."""
    import numpy as np

    sizes = [len(group) for group in groups]
    return np.concatenate([np.asarray(group, float) for group in groups]), np.repeat(np.arange(len(sizes)), sizes)


def _portions(seed: int) -> Iterator[tuple[np.random.Generator, int]]:
    import numpy as np

    rng = np.random.default_rng(seed)
    for _ in range(0, RESAMPLES, _AT_ONCE):
        yield rng, _AT_ONCE


def _judge(found: Comparison) -> tuple[Verdict, str]:
    ratio, low, high = found.ratio or 0.0, found.low or 0.0, found.high or 0.0
    spread, threshold, control = found.deviation or 0.0, found.threshold or 0.0, found.control or 1.0
    measured = f"{ratio:.3f} times as long (95 %: {low:.3f} to {high:.3f}, {found.pairs} pairs)"
    sure, effect = not low <= 1.0 <= high, abs(math.log(ratio))
    if sure and effect > math.log1p(max(OBVIOUS * spread, abs(control - 1) * DEVIATIONS, MIN_EFFECT)):
        return (Verdict.SLOWER if ratio > 1 else Verdict.FASTER), f"{measured}; the threshold is {threshold:.1%}"
    if spread > PRECISE:
        return Verdict.UNDERPOWERED, f"{measured}, but such ratios deviate by {spread:.1%}, more than {PRECISE:.0%}"
    if abs(math.log(control)) > math.log1p(threshold):
        return Verdict.UNDERPOWERED, f"{measured}, but equal subjects differed by {abs(control - 1):.1%}"
    if sure and effect > math.log1p(threshold):
        return (Verdict.SLOWER if ratio > 1 else Verdict.FASTER), f"{measured}; the threshold is {threshold:.1%}"
    return Verdict.ALIKE, f"{measured}; " + (f"less than {threshold:.1%}" if sure else "which is not significant")


def _deviation(draws: list[float], groups: int) -> float:
    """Standard deviation of resampled medians, corrected for the bias of a bootstrap over few groups."""
    return statistics.pstdev(draws) * math.sqrt(groups / (groups - 1))


def _interval(values: list[float]) -> tuple[float, float]:
    ordered, tail = sorted(values), (1 - CONFIDENCE) / 2
    last = len(ordered) - 1
    return ordered[round(tail * last)], ordered[round((1 - tail) * last)]


def _clean(groups: Groups) -> list[list[float]]:
    kept = [list(group) for group in groups if group]
    if not all(math.isfinite(one) for group in kept for one in group):
        msg = "a ratio of times is not a finite number"
        raise ValueError(msg)
    return kept
