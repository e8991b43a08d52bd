"""Logarithms: what a duel's measurement comes to: how much longer one side took than another, pair by pair."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Self

from harness.timing import stopwatch as sides
from harness.timing.stopwatch import Measurement

RIVAL, TWIN = "rival", "twin"
SIDES = (sides.SUBJECT, RIVAL, TWIN)
SHORTEST = 1e-7  # seconds; what is left of a call that took no longer than asking
SLEEPS = 0.1  # a subject that waits in so many more of its calls than its rival does it by its own will


@dataclass(slots=True)
class Logarithms:
    """Logarithms of subject over rival, and of twin over rival, by group.

    Attributes:
        pairs: Of the subject.
        control: Of the twin.
        dropped: Pairs that were left out.
    """

    pairs: list[list[float]] = field(default_factory=list)
    control: list[list[float]] = field(default_factory=list)
    dropped: int = 0

    def __iadd__(self, other: Logarithms) -> Self:
        self.pairs += other.pairs
        self.control += other.control
        self.dropped += other.dropped
        return self


def by_wall(measured: Measurement, groups: int) -> Logarithms:
    """By wall time. A pair is left out if one of its calls was kept waiting by others.

    A subject that waits much more often than its rival sleeps on purpose; its waiting is then its own time.
    """
    null = min(measured.of("null", sides.NULL), default=0.0)
    late = {side: _share(measured, groups, side) for side in (sides.SUBJECT, RIVAL)}
    sleeps = late[sides.SUBJECT] > late[RIVAL] + SLEEPS
    found = Logarithms()
    for number in range(groups):
        series = str(number)
        nets = {side: [max(SHORTEST, x - null) for x in measured.of(series, side)] for side in SIDES}
        flags = {side: measured.waited.get((series, side), []) for side in SIDES}
        subject, twin = [], []
        for index, rival in enumerate(nets[RIVAL]):
            if late[RIVAL] <= 0.5 and (flags[RIVAL][index] or (flags[sides.SUBJECT][index] and not sleeps)):
                found.dropped += 1
            else:
                subject.append(math.log(nets[sides.SUBJECT][index] / rival))
            if late[RIVAL] > 0.5 or not (flags[RIVAL][index] or flags[TWIN][index]):
                twin.append(math.log(nets[TWIN][index] / rival))
        found.pairs.append(subject)
        found.control.append(twin)
    return found


def by_cpu(measured: Measurement, groups: int) -> Logarithms:
    """By CPU time of the processes; empty where their clocks cannot be read."""
    null = min(measured.cpu.get(("null", sides.NULL), []), default=0.0)
    found = Logarithms()
    for number in range(groups):
        used = {side: measured.cpu.get((str(number), side), []) for side in SIDES}
        trios = [trio for trio in zip(*(used[side] for side in SIDES), strict=True) if all(trio)]
        nets = [[max(SHORTEST, one - null) for one in trio] for trio in trios]
        found.pairs.append([math.log(subject / rival) for subject, rival, _ in nets])
        found.control.append([math.log(twin / rival) for _, rival, twin in nets])
    return found


def _share(measured: Measurement, groups: int, side: str) -> float:
    flags = [flag for number in range(groups) for flag in measured.waited.get((str(number), side), [])]
    return sum(flags) / len(flags) if flags else 0.0
