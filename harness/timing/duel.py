"""Duel: a subject and a rival, each in processes of its own, asked the same inputs in turns, beside an A/A control."""

from __future__ import annotations

import math
import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import permutations
from typing import Any, Protocol

from harness.core.paired import PRECISE, Comparison, Verdict, compare
from harness.timing import stopwatch as sides
from harness.timing.instructions import Counter
from harness.timing.stopwatch import Call, Measurement, Round, Section, Stopwatch

RIVAL, TWIN = "rival", "twin"
GROUPS = 16
"""Groups of one measurement; each has a fresh process of every side."""
LEAST_PAIRS, MOST_PAIRS = 3, 60
"""Pairs of one group: more processes tell more than more calls."""
PATIENCE = 4.0
"""Measurements are added for so many times what one should take, while the control deviates too much."""
SHORTEST = 1e-7  # seconds; what is left of a call that took no longer than asking
SLEEPS = 0.1  # a subject that waits in so many more of its calls than its rival does it by its own will


class Process(Protocol):
    """One process of one side.

    Attributes:
        pid: Its process id, for CPU time and affinity.
    """

    pid: int

    def ask(self, argument: Any) -> Any:
        """The timed call."""
        ...

    def close(self) -> None:
        """End it."""
        ...


@dataclass(frozen=True, slots=True)
class Duel:
    """What is compared.

    Attributes:
        subject: Starts a process of the subject.
        rival: Starts a process of the rival; called twice for each group, the second one being the control's.
        null: Starts a process that answers at once.
        argument: Makes an input that was never used before, by its number within the group.
        most: Inputs that a group may use.
        check: Takes side, argument and answer, after the clock has stopped; what it raises ends the duel.
    """

    subject: Callable[[], Process]
    rival: Callable[[], Process]
    null: Callable[[], Process]
    argument: Callable[[int], Any]
    check: Callable[[str, Any, Any], None]
    most: int = MOST_PAIRS


def fight(duel: Duel, stopwatch: Stopwatch, *, name: str, seed: int = 0) -> Comparison:
    """Compare, adding measurements until the control is precise enough or patience ends.

    A measurement that was disturbed is not used. Without a thorough instrument (`--benchmark-disable`) nothing is
    measured.

    Args:
        duel: What to compare.
        stopwatch: Measures; its lock is held and one core used for each measurement.
        name: For messages.
        seed: Of the resampling.
    """
    if not stopwatch.instrument.thorough:
        return Comparison(verdict=Verdict.UNDERPOWERED, why="benchmarks are disabled")
    started, noise = time.monotonic(), ""
    pairs: list[list[float]] = []
    control: list[list[float]] = []
    dropped = 0
    counted: list[float] = []
    found = compare(pairs, control)
    while True:
        with _Fight(duel, seconds=stopwatch.instrument.seconds) as running:
            measured = stopwatch.measure(name, running.rounds, tries=1)
        if measured.quality.noisy:
            noise = measured.quality.why
        else:
            noise = ""
            subject, rival, lost = logarithms(measured, running.groups)
            pairs, control, dropped = pairs + subject, control + rival, dropped + lost
            counted += running.instructions()
            found = compare(pairs, control, seed=seed)
        precise = found.deviation is not None and found.deviation <= PRECISE
        if (
            precise
            or found.verdict in (Verdict.SLOWER, Verdict.FASTER)
            or time.monotonic() - started > PATIENCE * stopwatch.instrument.seconds
        ):
            break
    if found.ratio is None and noise:
        return found.model_copy(update={"why": f"too noisy: {noise}"})
    if not counted:
        return found.model_copy(update={"dropped": dropped})
    ratio = statistics.median(counted)
    why = f"{found.why}; {ratio:.3f} times the instructions"
    return found.model_copy(update={"dropped": dropped, "instructions": ratio, "why": why})


def logarithms(measured: Measurement, groups: int) -> tuple[list[list[float]], list[list[float]], int]:
    """Logarithms of subject over rival and of twin over rival, by group, and how many pairs were left out.

    A pair is left out if one of its calls was kept waiting by others. A subject that waits much more often than its
    rival sleeps on purpose; its waiting is then its own time.
    """
    null = min(measured.of("null", sides.NULL), default=0.0)
    late = {side: _share(measured, groups, side) for side in (sides.SUBJECT, RIVAL)}
    sleeps = late[sides.SUBJECT] > late[RIVAL] + SLEEPS
    pairs: list[list[float]] = []
    control: list[list[float]] = []
    dropped = 0
    for number in range(groups):
        series = str(number)
        nets = {side: [max(SHORTEST, x - null) for x in measured.of(series, side)] for side in SIDES}
        flags = {side: measured.waited.get((series, side), []) for side in SIDES}
        subject, twin = [], []
        for index in range(len(nets[RIVAL])):
            rival = nets[RIVAL][index]
            if late[RIVAL] <= 0.5 and (flags[RIVAL][index] or (flags[sides.SUBJECT][index] and not sleeps)):
                dropped += 1
            else:
                subject.append(math.log(nets[sides.SUBJECT][index] / rival))
            if late[RIVAL] > 0.5 or not (flags[RIVAL][index] or flags[TWIN][index]):
                twin.append(math.log(nets[TWIN][index] / rival))
        pairs.append(subject)
        control.append(twin)
    return pairs, control, dropped


SIDES = (sides.SUBJECT, RIVAL, TWIN)
ORDERS = tuple(permutations(SIDES))


def _share(measured: Measurement, groups: int, side: str) -> float:
    flags = [flag for number in range(groups) for flag in measured.waited.get((str(number), side), [])]
    return sum(flags) / len(flags) if flags else 0.0


@dataclass(slots=True)
class _Fight:
    """The rounds of one measurement, and the processes they need."""

    duel: Duel
    seconds: float
    groups: int = GROUPS
    section: Section | None = None
    running: dict[str, Process] = field(default_factory=dict)
    counters: dict[str, Counter] = field(default_factory=dict)
    since: dict[str, int] = field(default_factory=dict)
    counts: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))

    def __enter__(self) -> _Fight:
        return self

    def __exit__(self, *_ended: object) -> None:
        for side in list(self.running):
            self._stop(side)

    def rounds(self, section: Section) -> list[Round]:
        """The plan of a measurement; one group is run untimed, to learn how many pairs there is time for."""
        self.section = section
        self._start(sides.NULL)
        opening, each = (self._cost(self._group(0, 1)), self._cost(self._trio(0, 1)))
        often = int((self.seconds / GROUPS - opening) / max(1e-6, each))
        often = max(LEAST_PAIRS, min(often, self.duel.most - 1))
        return [one for number in range(GROUPS) for one in self._group(number, often)]

    def instructions(self) -> list[float]:
        """Instructions of the subject over the rival's, by group; empty where none are counted."""
        both = zip(self.counts[sides.SUBJECT], self.counts[RIVAL], strict=False)
        return [subject / rival for subject, rival in both if rival > 0]

    @staticmethod
    def _cost(rounds: list[Round]) -> float:
        begun = time.perf_counter()
        for one in rounds:
            call = one.prepare()
            one.check(call.target(call.argument))
        return time.perf_counter() - begun

    def _group(self, number: int, often: int) -> list[Round]:
        """Fresh processes, a first call of each that is not counted (it pays for their pages), then the pairs."""
        null = Round("null", sides.NULL, lambda: self._call(sides.NULL, b"{}"), _ignore)
        found = [null, *self._trio(number, 0, series="first", fresh=True)]
        for index in range(1, often + 1):
            found += self._trio(number, index)
        return found

    def _trio(self, number: int, index: int, *, series: str = "", fresh: bool = False) -> list[Round]:
        trio = _Trio(self, index)
        # All orders in turn: whoever comes first finds caches that made the input, and whoever comes last does not.
        order = ORDERS[(number + index) % len(ORDERS)]
        return [self._round(series or str(number), side, trio, fresh=fresh and side == order[0]) for side in order]

    def _round(self, series: str, side: str, trio: _Trio, *, fresh: bool) -> Round:
        return Round(
            series,
            side,
            lambda: self._prepare(side, trio, fresh=fresh),
            lambda answer: self.duel.check(side, trio.argument, answer),
        )

    def _prepare(self, side: str, trio: _Trio, *, fresh: bool) -> Call:
        if fresh:
            for each in SIDES:
                self._start(each)
        elif trio.index == 1 and not self.since:  # what a first call pays for is not counted, as it is not timed
            self.since = {each: counter.read() for each, counter in self.counters.items()}
        return self._call(side, trio.argument)

    def _call(self, side: str, argument: Any) -> Call:
        process = self.running[side]
        return Call(process.ask, argument, process.pid)

    def _start(self, side: str) -> None:
        self._stop(side)
        make = {sides.SUBJECT: self.duel.subject, sides.NULL: self.duel.null}.get(side, self.duel.rival)
        process = make()
        self.running[side] = process
        counter = Counter.of(process.pid) if side in SIDES else None
        if counter is not None:
            self.counters[side] = counter
        if self.section is not None:
            self.section.adopt(process.pid)

    def _stop(self, side: str) -> None:
        process = self.running.pop(side, None)
        if process is None:
            return
        counter = self.counters.pop(side, None)
        if counter is not None:
            if side in self.since:
                self.counts[side].append(counter.read() - self.since.pop(side))
            counter.close()
        if self.section is not None:
            self.section.dismiss(process.pid)
        process.close()


class _Trio:
    """One input for three processes, made when the first of them needs it."""

    def __init__(self, fight: _Fight, index: int) -> None:
        self._fight, self.index = fight, index
        self._made: Any = None

    @property
    def argument(self) -> Any:
        if self._made is None:
            self._made = self._fight.duel.argument(self.index)
        return self._made


def _ignore(_answer: Any) -> None:
    pass
