"""Lifting: which techniques and which values made a difference, by how much, and what that rests on."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from harness.dsl.mining.axis import AxisLaw, axes_of, weigh
from harness.dsl.mining.effect import Effect, Group, combined, effect, noise_of
from harness.dsl.mining.measurement import Measurement
from harness.dsl.mining.pairing import Pair, kinds_of, pairs_of
from harness.dsl.mining.permutation_test import chance
from harness.dsl.mining.technique import Technique

LEAST = 1.05
"""What a difference between two single measurements must be before it is called one."""
Setting = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Law:
    """What was found of one technique in one task and setting.

    Attributes:
        technique: Which.
        pairs: What was compared with what.
        effect: How much better it is.
        together: Techniques that came with it every time: whose share is whose cannot be told.
    """

    technique: Technique
    pairs: tuple[Pair, ...]
    effect: Effect
    together: tuple[str, ...] = ()

    @property
    def before(self) -> Measurement:
        """What it was first compared with."""
        return self.pairs[0].before.members[0]

    @property
    def after(self) -> Measurement:
        """The first subject that brought it."""
        return self.pairs[0].after.members[0]

    @property
    def helps(self) -> bool:
        """Whether it is an improvement beyond noise; else it is recorded, and no law."""
        return self.effect.helps

    @property
    def members(self) -> list[Measurement]:
        """All subjects it rests on, each once."""
        found = {id(m): m for pair in self.pairs for kind in (pair.before, pair.after) for m in kind.members}
        return list(found.values())

    @property
    def numbers(self) -> tuple[float, float]:
        """The medians before and after."""
        before = statistics.median(m.middle for m in self.pairs[0].before.members)
        return before, statistics.median(m.middle for m in self.pairs[0].after.members)


@dataclass(frozen=True, slots=True)
class Lifted:
    """All findings of some measurements.

    Attributes:
        laws: Of techniques, in the order in which they appear.
        axes: Of parameters.
    """

    laws: tuple[Law, ...]
    axes: tuple[AxisLaw, ...]

    @property
    def holding(self) -> dict[str, list[Law]]:
        """By technique: the findings that make it a law, those that help first."""
        return {name: found for name, laws in self._by_technique().items() if (found := _supported(laws))}

    def against(self, technique: str) -> list[Law]:
        """Findings that say that a technique makes things worse somewhere."""
        return [law for law in self._by_technique().get(technique, ()) if law.effect.hurts]

    @property
    def choices(self) -> dict[str, list[AxisLaw]]:
        """By parameter: the findings that leave some of its values out."""
        found: dict[str, list[AxisLaw]] = {}
        for law in self.axes:
            if law.helps:
                found.setdefault(law.axis.name, []).append(law)
        return found

    def _by_technique(self) -> dict[str, list[Law]]:
        found: dict[str, list[Law]] = {}
        for law in self.laws:
            found.setdefault(law.technique.name, []).append(law)
        return found


def _supported(laws: list[Law]) -> list[Law]:
    """The findings that help, if together they are evidence.

    A finding whose scatter was seen stands for itself. Single numbers must not be contradicted by others: with three or
    more they must agree on the whole, with fewer none may say the opposite.
    """
    helping = [law for law in laws if law.helps]
    if any(law.effect.known for law in helping):
        return sorted(helping, key=lambda law: not law.effect.known)
    if any(law.effect.hurts for law in laws):
        return []
    if len(laws) > 2 and not combined([law.effect for law in laws], comparisons=1).low > 1:
        return []
    return helping


def find(measurements: Iterable[Measurement], *, least: float = LEAST) -> Lifted:
    """What the measurements show.

    Args:
        measurements: Of any tasks and settings; numbers of different ones never meet.
        least: What single numbers must differ by.
    """
    settings: dict[tuple[str, Setting], list[Measurement]] = {}
    for measurement in measurements:
        settings.setdefault((measurement.task, measurement.setting), []).append(measurement)
    kinds = {key: kinds_of(members) for key, members in settings.items()}
    pairs = {key: _by_technique(pairs_of(kinds[key], members)) for key, members in settings.items()}
    axes = [axis for members in settings.values() for axis in axes_of(members)]
    comparisons = sum(map(len, pairs.values())) + sum(len(axis.values) - 1 for axis in axes)
    laws = []
    for key, found in pairs.items():
        groups = [kind.members for kind in kinds[key]]
        noise = noise_of(groups)
        by_chance = chance(_dealt(groups))
        for technique, having in found.values():
            pure = [pair for pair in having if len(pair.brings) == 1]
            used = pure or having
            effects = [
                effect(p.before.members, p.after.members, noise, comparisons=comparisons, least=least) for p in used
            ]
            together = {t.name: None for p in used for t in p.brings if t.name != technique.name} if not pure else {}
            whole = replace(combined(effects, comparisons=comparisons), chance=by_chance)
            laws.append(Law(technique, tuple(used), whole, tuple(together)))
    weighed = (weigh(axis, comparisons=comparisons) for axis in axes)
    return Lifted(tuple(laws), tuple(law for law in weighed if law is not None))


def _dealt(groups: Sequence[Group]) -> list[list[float]]:
    """What labels could be shuffled over: subjects, where several are made the same way; else their numbers.

    Where every run measured every subject once, what made a whole run slower is taken out first.
    """
    if any(len(group) > 1 for group in groups):
        return [[member.merit for member in group] for group in groups]
    merits = [group[0].merits for group in groups]
    runs = sorted(run for run, _ in merits[0]) if merits else []
    if len(set(runs)) == len(runs) and all(sorted(run for run, _ in one) == runs for one in merits):
        tables = [dict(one) for one in merits]
        level = {run: statistics.fmean(table[run] for table in tables) for run in runs}
        return [[merit - level[run] for run, merit in one] for one in merits]
    return [[merit for _, merit in one] for one in merits]


def _by_technique(pairs: Iterable[Pair]) -> dict[str, tuple[Technique, list[Pair]]]:
    found: dict[str, tuple[Technique, list[Pair]]] = {}
    for pair in pairs:
        for technique in pair.brings:
            found.setdefault(technique.name, (technique, []))[1].append(pair)
    return found


def runs_of(members: Sequence[Measurement]) -> list[str]:
    """The runs some subjects' numbers come from, each once."""
    return list(dict.fromkeys(run for member in members for run in member.runs))
