"""Findings: the techniques and values that made a difference, by how much, and the evidence."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from harness.dsl.mining.axis import AxisFinding, axes_of, compare_values
from harness.dsl.mining.effect_size import Effect, Group, combined, effect, noise_of
from harness.dsl.mining.measurement import Measurement
from harness.dsl.mining.pairing import Pair, kinds_of, pairs_of
from harness.dsl.mining.permutation_test import p_value
from harness.dsl.mining.technique import Technique, is_library

MIN_SINGLE_RATIO = 1.05  # ratio by which two single measurements must differ
Setting = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class TechniqueFinding:
    """The effect of one technique in one task and setting.

    Attributes:
        effect: How much better the subjects with the technique are.
        together: Techniques that occur only together with it: their shares cannot be separated.
    """

    technique: Technique
    pairs: tuple[Pair, ...]
    effect: Effect
    together: tuple[str, ...] = ()

    @property
    def before(self) -> Measurement:
        """The first subject without the technique."""
        return self.pairs[0].before.members[0]

    @property
    def after(self) -> Measurement:
        """The first subject with the technique."""
        return self.pairs[0].after.members[0]

    @property
    def helps(self) -> bool:
        """Whether it is an improvement beyond noise, also against the reference; otherwise it is only a fact."""
        seen = self.against_reference
        return self.effect.helps and (seen is None or seen[1] > seen[0])

    @property
    def hurts(self) -> bool:
        """Whether it is worse beyond noise than the same without the technique."""
        return self.effect.hurts and not self.is_first

    @property
    def is_first(self) -> bool:
        """Whether there is no earlier step: it is compared with a library, which says little of the technique."""
        return is_library(self.before) or self.before.subject == self.after.reference_name

    @property
    def against_reference(self) -> tuple[float, float] | None:
        """How many times as good as the reference column the subjects before and after are; None without one."""
        if not (self.before.reference and self.after.reference):
            return None
        sides = [statistics.median(m.reference) for m in (self.before, self.after)]
        lower = self.after.lower_is_better
        ratios = [
            r / m.median if lower else m.median / r for m, r in zip((self.before, self.after), sides, strict=True)
        ]
        return ratios[0], ratios[1]

    @property
    def fallen(self) -> dict[str, tuple[float, float]]:
        """Other metrics that are worse after than before: the numbers of each."""
        found = {}
        for key, (lower, values) in self.after.others.items():
            if key not in self.before.others or not values:
                continue
            old, new = statistics.median(self.before.others[key][1]), statistics.median(values)
            if lower and min(old, new) < 0:  # a cost is not negative: the sign of such a number is not known
                continue
            low, high = (old, new) if lower else (new, old)
            if high > low and (low <= 0 or high / low >= MIN_SINGLE_RATIO):
                found[key] = (old, new)
        return found

    @property
    def members(self) -> list[Measurement]:
        """All subjects of the comparisons, each once."""
        found = {id(m): m for pair in self.pairs for kind in (pair.before, pair.after) for m in kind.members}
        return list(found.values())

    @property
    def numbers(self) -> tuple[float, float]:
        """The medians before and after."""
        before = statistics.median(m.median for m in self.pairs[0].before.members)
        return before, statistics.median(m.median for m in self.pairs[0].after.members)


@dataclass(frozen=True, slots=True)
class Findings:
    """All findings of some measurements.

    Attributes:
        techniques: Effects of techniques, in order of appearance.
    """

    techniques: tuple[TechniqueFinding, ...]
    axes: tuple[AxisFinding, ...]

    @property
    def supported(self) -> dict[str, list[TechniqueFinding]]:
        """By technique: the findings that support a rule or invariant, measured noise first."""
        supported = {name: _supported(found) for name, found in self._by_technique().items()}
        return {name: found for name, found in supported.items() if found}

    def against(self, technique: str) -> list[TechniqueFinding]:
        """The findings in which a technique is worse."""
        return [finding for finding in self._by_technique().get(technique, ()) if finding.hurts]

    @property
    def choices(self) -> dict[str, list[AxisFinding]]:
        """By parameter: the findings that exclude some of its values."""
        found: dict[str, list[AxisFinding]] = {}
        for finding in self.axes:
            if finding.helps:
                found.setdefault(finding.axis.name, []).append(finding)
        return found

    def _by_technique(self) -> dict[str, list[TechniqueFinding]]:
        found: dict[str, list[TechniqueFinding]] = {}
        for finding in self.techniques:
            found.setdefault(finding.technique.name, []).append(finding)
        return found


def _supported(found: list[TechniqueFinding]) -> list[TechniqueFinding]:
    """The findings that help, if together they are sufficient evidence.

    A finding with measured noise is sufficient alone. Findings from single numbers must not be contradicted: with three
    or more their combined effect must help, with fewer none may hurt.
    """
    helping = [finding for finding in found if finding.helps]
    if any(finding.effect.known for finding in helping):
        return sorted(helping, key=lambda finding: not finding.effect.known)
    if any(finding.hurts for finding in found):
        return []
    if len(found) > 2 and not combined([finding.effect for finding in found], comparisons=1).low > 1:
        return []
    return helping


def find(measurements: Iterable[Measurement], *, min_ratio: float = MIN_SINGLE_RATIO) -> Findings:
    """The effects of techniques and parameters in the measurements.

    Args:
        measurements: Of any tasks and settings; only numbers of the same task and setting are compared.
        min_ratio: Ratio by which single numbers must differ.
    """
    settings: dict[tuple[str, Setting], list[Measurement]] = {}
    for measurement in measurements:
        settings.setdefault((measurement.task, measurement.setting), []).append(measurement)
    kinds = {key: kinds_of(members) for key, members in settings.items()}
    pairs = {key: _by_technique(pairs_of(kinds[key], members)) for key, members in settings.items()}
    axes = [axis for members in settings.values() for axis in axes_of(members)]
    comparisons = sum(map(len, pairs.values())) + sum(len(axis.values) - 1 for axis in axes)
    techniques = []
    for key, found in pairs.items():
        groups = [kind.members for kind in kinds[key]]
        noise = noise_of(groups)
        setting_p_value = p_value(_permutation_groups(groups))
        for technique, having in found.values():
            pure = [pair for pair in having if len(pair.brings) == 1]
            used = pure or having
            effects = [
                effect(p.before.members, p.after.members, noise, comparisons=comparisons, min_ratio=min_ratio)
                for p in used
            ]
            together = {t.name: None for p in used for t in p.brings if t.name != technique.name} if not pure else {}
            whole = replace(combined(effects, comparisons=comparisons), p_value=setting_p_value)
            techniques.append(TechniqueFinding(technique, tuple(used), whole, tuple(together)))
    compared = (compare_values(axis, comparisons=comparisons) for axis in axes)
    return Findings(tuple(techniques), tuple(finding for finding in compared if finding is not None))


def _permutation_groups(groups: Sequence[Group]) -> list[list[float]]:
    """The groups of the permutation test: subjects where several are made the same way, otherwise their numbers.

    If every run measured every subject once, the mean of each run is subtracted first.
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
    """The runs that the numbers of some subjects come from, each once."""
    return list(dict.fromkeys(run for member in members for run in member.runs))
