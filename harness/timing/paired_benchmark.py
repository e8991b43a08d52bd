"""PairedBenchmark: a subject and an opponent in processes of their own, asked alternately, with an A/A control."""

from __future__ import annotations

import math
import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import permutations
from pathlib import Path
from typing import Any, Protocol

from harness.core.paired import MIN_EFFECT, Comparison, Verdict, compare
from harness.timing import stopwatch as sides
from harness.timing.instructions import Counter
from harness.timing.log_ratios import RIVAL, SIDES, SLEEPS, Logarithms, by_cpu, by_wall
from harness.timing.stopwatch import Call, Measurement, Round, Section, Stopwatch

MIN_GROUPS, GROUPS = 8, 16
"""Groups of one measurement; each has a fresh process of every side."""
MIN_PAIRS, MAX_PAIRS = 3, 32
"""Pairs of one group."""
CALLS_BESIDE_PROCESSES = 6.0
"""How much more calls of one process differ than processes do: some 5 % beside somewhat less than 1 %."""
MEASUREMENTS = 6
"""Measurements that are made at most while such ratios deviate too much."""
PATIENCE = 16.0
"""No further one after so many times what one should take: where others have most of the core, each takes longer."""


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
class PairedBenchmark:
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
    most: int = MAX_PAIRS


def fight(duel: PairedBenchmark, stopwatch: Stopwatch, *, name: str, seed: int = 0) -> Comparison:
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
    if duel.most <= MIN_PAIRS:
        why = f"there are {duel.most} inputs, and no process gets one twice: {MIN_PAIRS + 1} are needed"
        return Comparison(verdict=Verdict.UNDERPOWERED, why=why)
    started = time.monotonic()
    tally = _Tally(seed)
    for _ in range(MEASUREMENTS):
        with _Fight(duel, seconds=stopwatch.instrument.seconds) as running:
            measured = stopwatch.measure(name, running.rounds, tries=1)
        tally.add(measured, running)
        found = tally.verdict()
        if found.decided or time.monotonic() - started > PATIENCE * stopwatch.instrument.seconds:
            break
    return tally.told(found)


class _Tally:
    """All measurements of a duel so far, by two clocks.

    Wall time is what is asked for. Where others disturb it, CPU time says the same, and more finely, of a subject that
    works all the time, and that is seen from outside: it never gives its core away but to wait for the next question.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._wall, self._cpu = Logarithms(), Logarithms()
        self._counted: list[float] = []
        self._noise, self._sleeps = "", False

    def add(self, measured: Measurement, running: _Fight) -> None:
        self._noise = measured.quality.why
        self._sleeps = self._sleeps or running.sleeps
        self._counted += running.instructions()
        if not measured.quality.noisy:
            self._wall += by_wall(measured, running.groups)
        if all(0 <= one < math.inf for walls in measured.samples.values() for one in walls):
            self._cpu += by_cpu(measured, running.groups)

    def verdict(self) -> Comparison:
        wall = compare(self._wall.pairs, self._wall.control, seed=self._seed)
        wall = wall.model_copy(update={"dropped": self._wall.dropped})
        if self._sleeps or (wall.decided and (wall.threshold or 0.0) <= MIN_EFFECT):
            return wall
        cpu = compare(self._cpu.pairs, self._cpu.control, seed=self._seed)
        # Which clock is believed is up to its control, never to what it says of the subject.
        finer = cpu.ratio is not None and (wall.ratio is None or (cpu.deviation or 0.0) < (wall.deviation or 0.0))
        if cpu.decided < wall.decided or (cpu.decided == wall.decided and not finer):
            return wall
        return cpu.model_copy(update={"clock": "cpu", "why": f"by CPU time, {cpu.why}"})

    def told(self, found: Comparison) -> Comparison:
        if not found.decided and self._noise:
            found = found.model_copy(update={"why": f"too noisy: {self._noise}; {found.why}"})
        if not self._counted:
            return found
        ratio = statistics.median(self._counted)
        why = f"{found.why}; {ratio:.3f} times the instructions"
        return found.model_copy(update={"instructions": ratio, "why": why})


ORDERS = tuple(permutations(SIDES))


@dataclass(slots=True)
class _Fight:
    """The rounds of one measurement, and the processes they need."""

    duel: PairedBenchmark
    seconds: float
    groups: int = GROUPS
    section: Section | None = None
    running: dict[str, Process] = field(default_factory=dict)
    counters: dict[str, Counter] = field(default_factory=dict)
    since: dict[str, int] = field(default_factory=dict)
    counts: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    asked: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    waits: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    since_waits: dict[str, int] = field(default_factory=dict)

    @property
    def sleeps(self) -> bool:
        """Whether the subject gives its core away more often than its rival, who waits for questions only."""
        each = {side: self.waits[side] / max(1, self.asked[side]) for side in (sides.SUBJECT, RIVAL)}
        return each[sides.SUBJECT] > each[RIVAL] + SLEEPS

    def __enter__(self) -> _Fight:
        return self

    def __exit__(self, *_ended: object) -> None:
        for side in list(self.running):
            self._stop(side)

    def rounds(self, section: Section) -> list[Round]:
        """The plan of a measurement; one group is run untimed, to learn what there is time for."""
        self.section = section
        self._start(sides.NULL)
        opening = self._cost(self._group(0, 0))
        each = min(self._cost(self._trio(0, index)) for index in range(1, 1 + MIN_PAIRS))
        # The number of calls that makes the most of a group's time: the optimum of sampling in two stages.
        often = round(CALLS_BESIDE_PROCESSES * math.sqrt(opening / max(1e-6, each)))
        often = max(MIN_PAIRS, min(often, MAX_PAIRS, self.duel.most - 1))
        self.groups = max(MIN_GROUPS, min(GROUPS, int(self.seconds / (opening + often * each))))
        return [one for number in range(self.groups) for one in self._group(number, often)]

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
        # A null call that wakes its process pays for that; what is taken off the others' calls must not.
        nulls = [Round("null", side, lambda: self._call(sides.NULL, b"{}"), _ignore) for side in ("waking", sides.NULL)]
        found = [*nulls, *self._trio(number, 0, series="first", fresh=True)]
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
        self.asked[side] += 1
        return Call(process.ask, argument, process.pid)

    def _start(self, side: str) -> None:
        self._stop(side)
        make = {sides.SUBJECT: self.duel.subject, sides.NULL: self.duel.null}.get(side, self.duel.rival)
        process = make()
        self.running[side] = process
        self.since_waits[side] = voluntary(process.pid)
        counter = Counter.of(process.pid) if side in SIDES else None
        if counter is not None:
            self.counters[side] = counter
        if self.section is not None:
            self.section.adopt(process.pid)

    def _stop(self, side: str) -> None:
        process = self.running.pop(side, None)
        if process is None:
            return
        self.waits[side] += max(0, voluntary(process.pid) - self.since_waits.pop(side, 0))
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


def voluntary(pid: int) -> int:
    """How often a process gave its core away by its own will so far; 0 where that is not known."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text("ascii", "replace").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("voluntary_ctxt_switches:")), 0)


def _ignore(_answer: Any) -> None:
    pass
