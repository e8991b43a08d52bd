"""Measurement: what is known of one subject of one task, from however many runs."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field


@dataclass(slots=True)
class Measurement:
    """One subject.

    Attributes:
        task: What was computed: the suite, or the report's title.
        subject: Its name.
        labels: Words that say how it works: its style, its title, what it claims.
        values: Measured numbers, one for each run.
        metric: What they are.
        lower_is_better: Whether they are times.
        right: Whether it passed in every run that judged it.
        runs: Where the numbers come from.
        digest: Of the subject, empty if unknown.
        parents: Digests or names it was derived from.
        order: Its place among the subjects of the task.
        notes: Why it was not right, or was not counted.
    """

    task: str
    subject: str
    labels: tuple[str, ...] = ()
    values: list[float] = field(default_factory=list)
    metric: str = "median_ms"
    lower_is_better: bool = True
    right: bool = True
    runs: list[str] = field(default_factory=list)
    digest: str = ""
    parents: tuple[str, ...] = ()
    order: float = 0.0
    notes: list[str] = field(default_factory=list)

    @property
    def usable(self) -> bool:
        """Whether it may be compared: right, and measured."""
        return self.right and bool(self.values)

    @property
    def middle(self) -> float:
        """The median of its values."""
        return statistics.median(self.values)


@dataclass(frozen=True, slots=True)
class Effect:
    """How much better one subject is than another.

    Attributes:
        ratio: Above 1 is better, of the medians.
        low: Of the worst against the best value: what holds however the runs are paired.
        high: The other end.
        samples: Values on both sides.
    """

    ratio: float
    low: float
    high: float
    samples: int

    def helps(self, *, least: float) -> bool:
        """Whether it is an improvement beyond what its runs scatter; `least` is asked of single measurements."""
        return self.ratio > 1 and (self.low > 1 if self.samples > 2 else self.ratio >= least)


def effect(before: Measurement, after: Measurement) -> Effect:
    """How much better `after` is than `before`."""
    old, new = before.values, after.values
    if not before.lower_is_better:
        old, new = new, old
    middle = statistics.median(old) / statistics.median(new)
    return Effect(middle, min(old) / max(new), max(old) / min(new), len(old) + len(new))
