"""Measures: what a verdict says of a candidate in numbers, and the steps in which the search compares them.

Times and memory vary from run to run. A search that compared them as they are would take another course each time. So
they count in steps from the values of the candidate's parent, and by paired measurements: the judge asks both the same
inputs in turns until the number of steps between them is certain. What differs by less than a step, or is within the
noise, is equal. Seed parents are measured next to the first one, and compared by the distance between neighbours.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from harness.core.evaluation import Evaluation
from harness.core.paired import settle
from harness.core.policy import Timing
from harness.core.stats import flake_bound
from harness.core.status import Status

TIME_GRID, TIME_STEPS = 2.0, 3
"""Seed parents differ by factors of 2; each has three steps (a factor of 1.26), of which times of equal code use one:
they vary by 5 %."""
MEMORY_GRID, MEMORY_STEPS = 4.0, 4
MIN_MEMORY = 4.0  # MiB; below it the peak of equal code differs by a factor of 1.5 from box to box
GROWTH_STEP = 0.5  # between two growth classes: n, n^1.5, n^2,
TIME_STEP = math.log(TIME_GRID) / TIME_STEPS  # the difference of the logarithms of two times that is one step
TIME_GATE = "time_ms"  # of lanes that limit the time of a call
NAMES = ("performance", "time", "memory", "size", "stability")  # the objectives, in order


@dataclass(frozen=True, slots=True)
class Steps:
    """A candidate's objectives, each smaller is better.

    Attributes:
        performance: Tenths of the performance component that are missing.
        time: Steps of time; 0 is the fastest seed parent.
        memory: Steps of peak memory; 0 is the smallest seed parent. No candidate counts with less than `MIN_MEMORY`.
        size: Syntax elements.
        stability: Upper bound of the failure probability, in percent.
        growth: The growth class; not an objective.
    """

    performance: int
    time: int
    memory: int
    size: int
    stability: int
    growth: float

    @property
    def vector(self) -> tuple[int, ...]:
        """The objectives, in the order of `NAMES`."""
        return self.performance, self.time, self.memory, self.size, self.stability


def measure(evaluation: Evaluation, *, size: int, descriptor: Mapping[str, Any]) -> dict[str, Any]:
    """The measures of a verdict, JSON only; what was not measured is None.

    Args:
        size: Syntax elements of the candidate.
        descriptor: What its lane knows of it (`harness.lane.breed.Breed.descriptor`).
    """
    evidence, is_timed = evaluation.evidence, evaluation.case.policy.timing is not Timing.NONE
    parts = {part.name: part.value for part in evaluation.score.components}
    attempts = min(len(evidence.attempts), evaluation.case.policy.attempts)  # further ones depend on the machine
    return {
        "performance": parts.get("performance"),
        "time": evidence.median_ms if is_timed else None,
        "memory": None if evidence.peak_mb is None else max(evidence.peak_mb, MIN_MEMORY),
        "size": size,
        "stability": (flake_bound(attempts) if evidence.stable else 1.0) if attempts else None,
        "growth": None,
        "style": "",
        **descriptor,
    }


def levels(values: Mapping[str, float | None], grid: float) -> dict[str, int]:
    """How many steps of the grid each seed parent is above the least one; what was not measured is on level 0.

    Only the distance of neighbours counts, so a factor that all have in common changes nothing.

    Args:
        values: One value of each seed parent.
        grid: The factor of one level.
    """
    found = dict.fromkeys(values, 0)
    measured = sorted((max(value, 1e-9), name) for name, value in values.items() if value is not None)
    for (before, lower), (value, name) in pairwise(measured):
        found[name] = found[lower] + round(math.log(value / before, grid))
    return found


def differences(evaluation: Evaluation, mine: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, list[float]]:
    """How many steps a candidate's measures are above its parent's, not rounded, by measure and measurement.

    Args:
        evaluation: Its verdict, with the fact `against` of a lane that measured both next to each other.
        mine: Its measures.
        other: Those of its parent.
    """
    found = {name: [_difference(name, mine[name], other[name])] for name in ("time", "memory", "growth")}
    paired = evaluation.evidence.facts.get("against")
    if paired is not None:
        found["time"] = [one / TIME_STEP for one in paired["time"]]
        found["growth"] = [one / GROWTH_STEP for one in paired["growth"]]
    return found


def was_late(evaluation: Evaluation) -> bool:
    """Whether time limits alone speak against a candidate; on a busy machine that may be the machine's fault."""
    status, statuses = evaluation.status, {attempt.status for attempt in evaluation.evidence.attempts}
    is_late = status is Status.TIMEOUT or (status is Status.FLAKY and Status.TIMEOUT in statuses)
    failed = {gate.name for gate in evaluation.score.failed}
    return (is_late and statuses <= {Status.OK, Status.TIMEOUT}) or (status is Status.OK and failed == {TIME_GATE})


def time_ratio(evaluation: Evaluation) -> float | None:
    """The time of a candidate / that of the one it was measured next to; None if it was not."""
    paired = evaluation.evidence.facts.get("against")
    return math.exp(statistics.median(paired["time"])) if paired and paired["time"] else None


def relative(found: Mapping[str, Sequence[float]], parent: Mapping[str, Any]) -> dict[str, Any]:
    """The measures of a candidate by the differences to its parent; those that must be taken as measured are left out.

    Args:
        found: From `differences`; empty if nothing was compared.
        parent: The measures of the parent.
    """
    counts = {name: settle(one)[0] if one else 0 for name, one in found.items()}
    values = {name: _shifted(name, parent[name], counts.get(name, 0)) for name in ("time", "memory", "growth")}
    # Performance is a function of the times and the budget, so it is the parent's where the times are.
    return values if counts.get("time") else {**values, "performance": parent["performance"]}


def steps(mine: Mapping[str, Any], root: Mapping[str, Any], *, time: int = 0, memory: int = 0) -> Steps:
    """The steps of a candidate's measures.

    Args:
        mine: The candidate's measures.
        root: Those of its seed parent.
        time: Level of the seed parent's time (`levels`).
        memory: Level of the seed parent's memory.
    """
    performance, stability = mine.get("performance"), mine.get("stability")
    return Steps(
        performance=0 if performance is None else 10 - round(10 * performance),
        time=TIME_STEPS * time + _step(mine.get("time"), root.get("time"), TIME_GRID, TIME_STEPS),
        memory=MEMORY_STEPS * memory + _step(mine.get("memory"), root.get("memory"), MEMORY_GRID, MEMORY_STEPS),
        size=int(mine.get("size") or 0),
        stability=0 if stability is None else math.ceil(100 * stability),
        growth=_growth_class(mine.get("growth"), root.get("growth")),
    )


def cell_of(style: str, found: Steps) -> str:
    """The cell of the archive: detected style, growth class, size class."""
    return f"{style or 'plain'}/n^{found.growth:g}/{max(found.size, 1).bit_length()}"


def _step(value: float | None, root: float | None, grid: float, count: int) -> int:
    """How many steps a value is above that of the root; 0 where one was not measured."""
    if value is None or root is None:
        return 0
    return round(count * math.log(max(value, 1e-9) / max(root, 1e-9), grid))


def _difference(name: str, mine: Any, other: Any) -> float:
    """How many steps one value is above another one, not rounded; 0 where one was not measured."""
    if mine is None or other is None:
        return 0.0
    if name in _GRIDS:
        grid, count = _GRIDS[name]
        return count * math.log(max(mine, 1e-9) / max(other, 1e-9), grid)
    return float((mine - other) / GROWTH_STEP)


def _shifted(name: str, value: Any, count: int) -> Any:
    """The value that is a number of steps above another one; None where that was not measured."""
    if value is None:
        return None
    if name in _GRIDS:
        grid, steps_each = _GRIDS[name]
        return value * math.pow(grid, count / steps_each)
    return value + count * GROWTH_STEP


_GRIDS = {"time": (TIME_GRID, TIME_STEPS), "memory": (MEMORY_GRID, MEMORY_STEPS)}


def _growth_class(mine: float | None, root: float | None) -> float:
    if mine is None:
        return 0.0
    base = mine if root is None else root
    return (round(base / GROWTH_STEP) + round((mine - base) / GROWTH_STEP)) * GROWTH_STEP
