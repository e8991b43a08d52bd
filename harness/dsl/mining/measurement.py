"""Measurement: what is known of one subject of one task in one setting, from however many runs."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass, field

Scalar = bool | int | float | str


@dataclass(slots=True)
class Measurement:
    """One subject.

    Attributes:
        task: What was computed: the suite, or the report's title.
        subject: Its name.
        labels: Words that say how it works: its style, its title, what it claims.
        setting: What its numbers hold for: size, stage, machine, tier, epoch. Those of different ones never meet.
        parameters: What was chosen for it, by name.
        samples: (run, number) for each time it was measured.
        metric: What the numbers are.
        lower_is_better: Whether they are times.
        right: Whether it passed in every run that judged it.
        digest: Of the subject, empty if unknown.
        parents: Digests or names it was derived from.
        order: Its place among the subjects of the task.
        notes: Why it was not right, or was not counted.
    """

    task: str
    subject: str
    labels: tuple[str, ...] = ()
    setting: tuple[tuple[str, str], ...] = ()
    parameters: dict[str, Scalar] = field(default_factory=dict)
    samples: list[tuple[str, float]] = field(default_factory=list)
    metric: str = "median_ms"
    lower_is_better: bool = True
    right: bool = True
    digest: str = ""
    parents: tuple[str, ...] = ()
    order: float = 0.0
    notes: list[str] = field(default_factory=list)

    @property
    def usable(self) -> bool:
        """Whether it may be compared: right, and measured."""
        return self.right and bool(self.samples)

    @property
    def runs(self) -> list[str]:
        """Where the numbers come from, each once, in order."""
        return list(dict.fromkeys(run for run, _ in self.samples))

    @property
    def middle(self) -> float:
        """The median of its numbers."""
        return statistics.median(value for _, value in self.samples)

    @property
    def merits(self) -> list[tuple[str, float]]:
        """(run, logarithm of the number, signed so that more is better): differences of these are ratios."""
        sign = -1.0 if self.lower_is_better else 1.0
        return [(run, sign * math.log(value)) for run, value in self.samples]

    @property
    def merit(self) -> float:
        """The middle one of its merits."""
        return -math.log(self.middle) if self.lower_is_better else math.log(self.middle)
