"""Paired comparison: is one subject slower than another, by calls made in pairs on the same inputs?

A pair is one call of each side on one input, in alternating order (ABBA), so that what the machine does meanwhile hits
both. Pairs made by the same two processes form a group: processes of equal code differ, by where their memory lies,
more than their calls do (Kalibera and Jones, "Rigorous Benchmarking in Reasonable Time", 2013), so groups are what is
resampled. The same is done with two processes of one and the same subject, the A/A control: what it shows is noise.
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
"""Logarithms of subject time over rival time, by group and pair."""

MIN_EFFECT = 0.02
"""Relative difference below which a difference is not reported, however certain it is."""
DEVIATIONS = 3.0
"""An effect must exceed so many standard deviations of the A/A control."""
OBVIOUS = 10.0
"""An effect of so many standard deviations counts however coarse the measurement is."""
PRECISE = 0.01
"""Rounds are added until the control's standard deviation is at most this."""
FEWEST_GROUPS = 6
"""Groups below which nothing can be said about how they differ."""
RESAMPLES = 1000
CONFIDENCE = 0.95
_AT_ONCE = 100  # resamples held in memory at a time: some MB with a few thousand pairs


class Verdict(StrEnum):
    """What a comparison says of the subject."""

    SLOWER = "slower"
    FASTER = "faster"
    ALIKE = "alike"
    """No difference that is both sure and large enough to matter."""
    UNDERPOWERED = "underpowered"
    """The measurement is too coarse to tell."""


class Comparison(Frozen):
    """A subject against one opponent. Times are net of a null call."""

    role: str = "rival"
    """What the opponent is to the subject: `reference`, `parent`, `champion`."""
    rival: str = ""
    """Its name."""
    digest: str = ""
    """Its content; empty for a reference."""
    verdict: Verdict
    why: str
    """One sentence."""
    clock: Literal["wall", "cpu"] = "wall"
    """`cpu`: others kept the processes waiting, so their CPU time was compared; only of subjects that do not sleep."""
    ratio: Amount | None = None
    """Median over all pairs of subject time / rival time; above 1 is slower."""
    low: Amount | None = None
    high: Amount | None = None
    """95 % interval of the ratio: a bootstrap over groups."""
    deviation: Amount | None = None
    """Standard deviation of the median ratio of the A/A control, or the subject's own if larger; None without one."""
    threshold: Amount | None = None
    """The smallest relative difference that counts: max(2 %, 3 deviations)."""
    control: Amount | None = None
    """Median ratio of the A/A control; what it differs from 1 by is error."""
    false_alarms: NonNegativeInt = 0
    """Of `experiments` resampled A/A experiments, those in which equal subjects would have been told apart."""
    experiments: NonNegativeInt = 0
    pairs: NonNegativeInt = 0
    groups: NonNegativeInt = 0
    instructions: Amount | None = None
    """Instructions of the subject over the rival's (user mode, median over groups); None where none are counted."""
    dropped: NonNegativeInt = 0
    """Pairs left out because one of their calls was kept waiting."""

    @property
    def decided(self) -> bool:
        """Whether it says anything."""
        return self.verdict is not Verdict.UNDERPOWERED


def compare(pairs: Groups, control: Groups, *, seed: int = 0) -> Comparison:
    """Compare a subject with an opponent.

    Args:
        pairs: log(subject / rival) of each pair, by group. Groups without pairs are left out.
        control: log(rival / rival) of the A/A control, by group; its groups were made between those of `pairs`.
        seed: Of the resampling.

    Raises:
        ValueError: if a logarithm is not finite: a clock that yields such is broken.
    """
    pairs, control = _clean(pairs), _clean(control)
    count, groups = sum(map(len, pairs)), len(pairs)
    if groups < FEWEST_GROUPS or len(control) < FEWEST_GROUPS:
        why = f"{groups} groups of pairs and {len(control)} of the control; {FEWEST_GROUPS} of each are needed"
        return Comparison(verdict=Verdict.UNDERPOWERED, why=why, pairs=count, groups=groups)
    centre = pooled(pairs)
    draws = resampled(pairs, seed)
    low, high = _interval(draws)
    # A handful of groups may look more alike than they are, but hardly twice.
    spread = max(_deviation(draws, groups), _deviation(resampled(control, seed), len(control)))
    threshold = smallest_effect(spread)
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
    """Median ratio and its 95 % interval, without a control; None of too few groups."""
    pairs = _clean(pairs)
    if len(pairs) < FEWEST_GROUPS:
        return None
    low, high = _interval(resampled(pairs, seed))
    return math.exp(pooled(pairs)), math.exp(low), math.exp(high)


def smallest_effect(spread: float) -> float:
    """The relative difference that counts, given the standard deviation."""
    return max(MIN_EFFECT, DEVIATIONS * spread)


def pooled(groups: Groups) -> float:
    """The median over all pairs of all groups."""
    return statistics.median([one for group in groups for one in group])


def resampled(groups: Groups, seed: int) -> list[float]:
    """The pooled median of each of `RESAMPLES` draws of whole groups, with replacement (cluster bootstrap).

    The values are sorted once; a draw only says how often each counts, so its median is where half of it is passed.
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
    """Of `RESAMPLES` experiments in which both sides are equal, those that would say that they are not.

    Which of two processes of one subject is called the first is arbitrary, so turning a group's signs around at random
    gives another experiment of the same kind (a permutation under the null hypothesis).
    """
    import numpy as np

    values, group = _flat(control)
    bound, found = math.log1p(threshold), 0
    for rng, count in _portions(seed):
        signs = rng.choice((-1.0, 1.0), size=(count, len(control)))
        found += int((np.abs(np.median(signs[:, group] * values, axis=1)) > bound).sum())
    return found


def _flat(groups: Groups) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """All values, and of each its group."""
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
    said = f"{ratio:.3f} times as long (95 %: {low:.3f} to {high:.3f}, {found.pairs} pairs)"
    sure, effect = not low <= 1.0 <= high, abs(math.log(ratio))
    if sure and effect > math.log1p(max(OBVIOUS * spread, abs(control - 1) * DEVIATIONS, MIN_EFFECT)):
        return (Verdict.SLOWER if ratio > 1 else Verdict.FASTER), f"{said}; what counts is {threshold:.1%}"
    if spread > PRECISE:
        return Verdict.UNDERPOWERED, f"{said}, but such ratios deviate by {spread:.1%}, more than {PRECISE:.0%}"
    if abs(math.log(control)) > math.log1p(threshold):
        return Verdict.UNDERPOWERED, f"{said}, but equal subjects differed by {abs(control - 1):.1%}"
    if sure and effect > math.log1p(threshold):
        return (Verdict.SLOWER if ratio > 1 else Verdict.FASTER), f"{said}; what counts is {threshold:.1%}"
    return Verdict.ALIKE, f"{said}; " + (f"less than {threshold:.1%}" if sure else "which may as well be none")


def _deviation(draws: list[float], groups: int) -> float:
    """Standard deviation of resampled medians; corrected for the few groups that a bootstrap finds too alike."""
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
