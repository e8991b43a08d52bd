"""Axis: the effect of the values of one parameter, with everything else the same."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.core.student_t import upper_quantile
from harness.dsl.mining.effect_size import MIN_RATIO, TAIL, Effect, Noise, additive, components, noise_of
from harness.dsl.mining.measurement import Measurement, Scalar
from harness.dsl.mining.technique import about, distinctive_words, known_in, words_of

MAX_VALUES = 64
MIN_GAIN = 1.05
"""Ratio by which the best value must lead in each context of an interaction, if nothing was measured twice."""


@dataclass(frozen=True, slots=True)
class Axis:
    """A parameter whose value differs between subjects that are otherwise the same.

    Attributes:
        members: Subjects for which another subject differs in this value only, in order.
        seen: (context, value, merit) of each member.
        noise: The noise of repeated measurements in the setting.
    """

    name: str
    members: Sequence[Measurement]
    seen: Sequence[tuple[str, Scalar, float]]
    values: tuple[Scalar, ...]
    noise: Noise


@dataclass(frozen=True, slots=True)
class AxisFinding:
    """The effect of one axis.

    Attributes:
        good: The values that no other value is shown to be better than, in order.
        effect: The best value against the worst value that is not good; against the next best if all are good.
        levels: How much worse than the best each value is, as a ratio of at least 1.
        depends_on: The other parameter that decides which value is best (an interaction); empty without one.
        best_by: (value of that parameter, best value) for each of its values.
    """

    axis: Axis
    good: tuple[Scalar, ...]
    effect: Effect
    levels: tuple[float, ...]
    depends_on: str = ""
    best_by: tuple[tuple[Scalar, Scalar], ...] = ()

    @property
    def helps(self) -> bool:
        """Whether some value is shown to be worse than the best."""
        return len(self.good) < len(self.axis.values) and not self.depends_on


def axes_of(members: Sequence[Measurement]) -> Iterator[Axis]:
    """The axes of one setting. Parameters that only change together do not form an axis."""
    usable = [member for member in members if member.usable and member.parameters]
    noise = noise_of([[member] for member in usable])
    features = [_features(member) for member in usable]
    for name in dict.fromkeys(key for member in usable for key in member.parameters):
        contexts: dict[str, list[tuple[Measurement, Scalar]]] = {}
        for member, features_of in zip(usable, features, strict=True):
            if name in member.parameters:
                rest = sorted((k, repr(v)) for k, v in member.parameters.items() if k != name)
                contexts.setdefault(repr((features_of, rest)), []).append((member, member.parameters[name]))
        pairs = {key: group for key, group in contexts.items() if len({(type(v), v) for _, v in group}) > 1}
        seen = [(key, value, member.merit) for key, group in pairs.items() for member, value in group]
        values = sorted({(type(v).__name__, v) for _, v, _ in seen}, key=lambda one: (one[0], one[1]))
        if 1 < len(values) <= MAX_VALUES and components((c, (type(v).__name__, v)) for c, v, _ in seen) == 1:
            inside = [member for group in pairs.values() for member, _ in group]
            yield Axis(name, inside, seen, tuple(v for _, v in values), noise)


def _features(member: Measurement) -> tuple[str, ...]:
    """The features that distinguish a subject, without its parameters; empty if its name only lists these."""
    words = () if "=" in member.subject else words_of(member)
    return (*known_in(words, about(member)), *distinctive_words(words, about(member)))


def compare_values(axis: Axis, *, comparisons: int) -> AxisFinding | None:
    """Which values are good; None if the noise is unknown.

    The model is additive: context plus value. An interaction (the best value of one context is the worst of another)
    counts as noise and yields no finding.
    """
    keyed = [(context, (type(value).__name__, value), merit) for context, value, merit in axis.seen]
    shifts, left = additive(keyed)
    freedom = len(keyed) - len({c for c, _, _ in keyed}) - len(axis.values) + 1
    rest = Noise(sum(x * x for x in left) / freedom, freedom) if freedom > 0 else Noise()
    noise = max(rest, axis.noise, key=lambda one: (one.freedom > 0, one.variance))
    if not noise.freedom:
        return None
    levels = [shifts[type(value).__name__, value] for value in axis.values]
    counts = [sum(v == value and type(v) is type(value) for _, v, _ in axis.seen) for value in axis.values]
    best = max(range(len(levels)), key=lambda place: levels[place])
    factor = upper_quantile(TAIL / max(1, comparisons), noise.freedom)
    good: list[Scalar] = []
    found: list[Effect] = []
    for place, value in enumerate(axis.values):
        middle = levels[best] - levels[place]
        half = factor * math.sqrt(noise.variance * (1 / counts[best] + 1 / counts[place]))
        made = Effect(
            math.exp(middle),
            math.exp(middle - half),
            math.exp(middle + half),
            sum(len(member.samples) for member in axis.members),
            min(counts[best], counts[place]),
            spread=math.sqrt(noise.variance),
        )
        if place == best or not (made.low > 1 and made.ratio >= MIN_RATIO):
            good.append(value)
        if place != best:
            found.append(made)
    shown = [one for one in found if one.low > 1 and one.ratio >= MIN_RATIO]
    largest = max(shown, key=lambda one: one.ratio) if shown else min(found, key=lambda one: one.ratio)
    worse = tuple(math.exp(levels[best] - level) for level in levels)
    return AxisFinding(axis, tuple(good), largest, worse, *_interaction(axis))


def _interaction(axis: Axis) -> tuple[str, tuple[tuple[Scalar, Scalar], ...]]:
    """The parameter whose value decides which value of the axis is best, and the best one for each; empty without one.

    In all contexts with one value of that parameter the same value must be best, by more than the noise of repeated
    measurements (without repetitions, by `MIN_GAIN`). The contexts of different values must disagree.
    """
    scale = axis.noise.width if axis.noise.freedom else math.log(MIN_GAIN)
    others = dict.fromkeys(key for member in axis.members for key in member.parameters if key != axis.name)
    for other in others:
        best: dict[tuple[str, Scalar], set[tuple[str, Scalar]]] = {}
        contexts: dict[str, list[tuple[float, Measurement]]] = {}
        for member, (context, _, merit) in zip(axis.members, axis.seen, strict=True):
            contexts.setdefault(context, []).append((merit, member))
        for seen in contexts.values():
            ranked = sorted(seen, key=lambda one: -one[0])
            if other not in ranked[0][1].parameters or ranked[0][0] - ranked[1][0] < scale:
                break
            of, value = ranked[0][1].parameters[other], ranked[0][1].parameters[axis.name]
            best.setdefault((type(of).__name__, of), set()).add((type(value).__name__, value))
        else:
            single = all(len(found) == 1 for found in best.values())
            if single and len({next(iter(found)) for found in best.values()}) > 1:
                return other, tuple(
                    (of, next(iter(found))[1]) for (_, of), found in sorted(best.items(), key=lambda one: one[0])
                )
    return "", ()


def median_of(axis: Axis, value: Scalar) -> float:
    """The median of the numbers measured with one value."""
    return statistics.median(
        member.median
        for member in axis.members
        if member.parameters[axis.name] == value and type(member.parameters[axis.name]) is type(value)
    )
