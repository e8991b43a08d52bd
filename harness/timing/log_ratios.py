"""LogRatios: the result of a paired measurement: for each pair, the logarithm of the ratio of two sides' times."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Self

from harness.timing import stopwatch as sides
from harness.timing.stopwatch import Measurement

OPPONENT, TWIN = "opponent", "twin"
SIDES = (sides.SUBJECT, OPPONENT, TWIN)
MIN_SECONDS = 1e-7  # the net time of a call that took no longer than a null call
SLEEP_MARGIN = 0.1  # a subject sleeps if its share of waiting calls exceeds its opponent's by more than this


@dataclass(slots=True)
class LogRatios:
    """Natural logarithms of subject time / opponent time, and of twin time / opponent time, by group.

    Attributes:
        pairs: Log ratios of the subject.
        control: Log ratios of the twin (A/A control).
        dropped: Number of pairs that were left out.
    """

    pairs: list[list[float]] = field(default_factory=list)
    control: list[list[float]] = field(default_factory=list)
    dropped: int = 0

    def __iadd__(self, other: LogRatios) -> Self:
        self.pairs += other.pairs
        self.control += other.control
        self.dropped += other.dropped
        return self


def by_wall(measured: Measurement, groups: int) -> LogRatios:
    """Log ratios of wall time. A pair is left out if another process delayed one of its calls.

    A subject that waits much more often than its opponent sleeps on purpose; its waiting time then counts.
    """
    null = min(measured.of("null", sides.NULL), default=0.0)
    late = {side: _share(measured, groups, side) for side in (sides.SUBJECT, OPPONENT)}
    sleeps = late[sides.SUBJECT] > late[OPPONENT] + SLEEP_MARGIN
    found = LogRatios()
    for number in range(groups):
        series = str(number)
        nets = {side: [max(MIN_SECONDS, x - null) for x in measured.of(series, side)] for side in SIDES}
        flags = {side: measured.waited.get((series, side), []) for side in SIDES}
        subject, twin = [], []
        for index, opponent in enumerate(nets[OPPONENT]):
            if late[OPPONENT] <= 0.5 and (flags[OPPONENT][index] or (flags[sides.SUBJECT][index] and not sleeps)):
                found.dropped += 1
            else:
                subject.append(math.log(nets[sides.SUBJECT][index] / opponent))
            if late[OPPONENT] > 0.5 or not (flags[OPPONENT][index] or flags[TWIN][index]):
                twin.append(math.log(nets[TWIN][index] / opponent))
        found.pairs.append(subject)
        found.control.append(twin)
    return found


def by_cpu(measured: Measurement, groups: int) -> LogRatios:
    """Log ratios of the processes' CPU time; empty where their clocks cannot be read."""
    null = min(measured.cpu.get(("null", sides.NULL), []), default=0.0)
    found = LogRatios()
    for number in range(groups):
        used = {side: measured.cpu.get((str(number), side), []) for side in SIDES}
        triples = [triple for triple in zip(*(used[side] for side in SIDES), strict=True) if all(triple)]
        nets = [[max(MIN_SECONDS, one - null) for one in triple] for triple in triples]
        found.pairs.append([math.log(subject / opponent) for subject, opponent, _ in nets])
        found.control.append([math.log(twin / opponent) for _, opponent, twin in nets])
    return found


def _share(measured: Measurement, groups: int, side: str) -> float:
    flags = [flag for number in range(groups) for flag in measured.waited.get((str(number), side), [])]
    return sum(flags) / len(flags) if flags else 0.0
