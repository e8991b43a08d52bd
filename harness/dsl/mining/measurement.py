"""Measurement: the numbers of one subject for one task in one setting, from any number of runs."""

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
        labels: Strings that describe how it works: style, title, claims.
        setting: What the numbers hold for: size, stage, machine, tier, epoch. Different settings are not compared.
        parameters: Parameter values by name.
        samples: (run, number) of each measurement.
        right: Whether it passed in every run that judged it.
        digest: Digest of the subject, empty if unknown.
        parents: Digests or names of the subjects it was derived from.
        order: Position among the subjects of the task.
        notes: Why it was not right, or was not counted.
        reference_name: The column with the numbers of a library or baseline; empty without one.
        reference: Its numbers, measured together with the samples.
        others: Other metrics by column: whether lower is better, and the numbers.
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
    reference_name: str = ""
    reference: list[float] = field(default_factory=list)
    others: dict[str, tuple[bool, list[float]]] = field(default_factory=dict)

    @property
    def usable(self) -> bool:
        """Whether it can be compared: it passed, and it was measured."""
        return self.right and bool(self.samples)

    @property
    def runs(self) -> list[str]:
        """The runs of the samples, each once, in order."""
        return list(dict.fromkeys(run for run, _ in self.samples))

    @property
    def median(self) -> float:
        """The median of the samples."""
        return statistics.median(value for _, value in self.samples)

    @property
    def merits(self) -> list[tuple[str, float]]:
        """(run, logarithm of the number, signed so that higher is better): a difference is the logarithm of a ratio."""
        sign = -1.0 if self.lower_is_better else 1.0
        return [(run, sign * math.log(value)) for run, value in self.samples]

    @property
    def merit(self) -> float:
        """The merit of the median."""
        return -math.log(self.median) if self.lower_is_better else math.log(self.median)
