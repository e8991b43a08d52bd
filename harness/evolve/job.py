"""Job: a trial on its way through the cascade, and how its measures compare with its parent's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.core.trial import Trial
from harness.evolve.measures import MAX_PAIRS, RELATIVE, difference, is_less, settle, shifted
from harness.judge.verdict import Verdict

Measures = Mapping[str, Any]


@dataclass(slots=True)
class Batch:
    """Trials of one tool and epoch on their way.

    Attributes:
        known: The first trial of each digest.
        root_of: The measures of a trial's seed parent; None for a seed parent itself.
        parent_of: The measures of a trial's first parent.
        in_flight: Verdicts that are waited for.
        copies: Trials whose bytes an earlier one has.
    """

    known: Mapping[str, Trial]
    root_of: Callable[[Trial], Measures | None]
    parent_of: Callable[[Trial], Measures | None]
    in_flight: int = 0
    copies: list[Trial] = field(default_factory=list)


@dataclass(slots=True)
class Job:
    """A trial on its way.

    Attributes:
        batch: Its batch.
        trial: The trial as it was proposed.
        text: Its source.
        size: Its syntax elements.
        spent: Seconds by stage.
        retried: Whether an `infra` verdict was asked for once more.
        first: The full verdict, while the trial is measured next to its parent.
        pair: The verdicts of one such measurement: `again` of the trial, `parent` of its parent.
        pairs: Number of these measurements so far.
        differences: By how many steps the trial's measures exceed its parent's, by measure and measurement.
        looks: Further verdicts that were asked for because the machine may have been too busy.
    """

    batch: Batch
    trial: Trial
    text: str
    size: int = 0
    spent: dict[str, float] = field(default_factory=dict)
    retried: bool = False
    first: Verdict | None = None
    pair: dict[str, Verdict] = field(default_factory=dict)
    pairs: int = 0
    differences: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in RELATIVE})
    looks: int = 0

    def compare(self, mine: Measures, other: Measures) -> None:
        """Take the measures of the trial and of its parent from one measurement."""
        for name, found in self.differences.items():
            found.append(difference(name, mine[name], other[name]))

    @property
    def is_settled(self) -> bool:
        """Whether no further measurement is needed, or allowed."""
        is_certain = bool(self.differences["time"]) and all(settle(found)[1] for found in self.differences.values())
        return is_certain or self.pairs >= MAX_PAIRS

    @property
    def relative(self) -> dict[str, Any]:
        """The measures in relation to the parent's; none of a seed parent and of a search without times."""
        parent = self.batch.parent_of(self.trial)
        if parent is None or parent["time"] is None:
            return {}
        counts = {name: settle(found)[0] if found else 0 for name, found in self.differences.items()}
        times = self.differences["time"]
        is_faster = is_less(times) if times else parent.get("is_faster", False)
        return {name: shifted(name, parent[name], count) for name, count in counts.items()} | {"is_faster": is_faster}
