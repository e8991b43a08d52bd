"""PairedBenchmark: subject and opponent answer the same inputs alternately in separate processes, with A/A control."""

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
from harness.timing.log_ratios import OPPONENT, SIDES, SLEEP_MARGIN, LogRatios, by_cpu, by_wall
from harness.timing.stopwatch import Call, Measurement, Round, Section, Stopwatch

MIN_GROUPS, MAX_GROUPS = 8, 16  # number of groups in one measurement; each group starts a fresh process for every side
MIN_PAIRS, MAX_PAIRS = 3, 32  # number of pairs in one group
CALL_TO_PROCESS_DEVIATION = 6.0
"""Ratio of the deviation between calls of one process (about 5 %) to the deviation between processes (under 1 %)."""
MAX_MEASUREMENTS = 6  # maximum number of measurements while the control deviates too much
MAX_DURATION_FACTOR = 16.0
"""No further measurement starts after this multiple of the target duration: on a busy core each one takes longer."""


class Process(Protocol):
    """One process of one side.

    Attributes:
        pid: Its process id, for CPU time and affinity.
    """

    pid: int

    def ask(self, argument: Any) -> Any:
        """Answer one input; this is the timed call."""

    def close(self) -> None:
        """End the process of this side."""


@dataclass(frozen=True, slots=True)
class PairedBenchmark:
    """The processes and inputs of a comparison.

    Attributes:
        subject: Starts a process of the subject.
        opponent: Starts a process of the opponent; called twice per group, the second process is the control's twin.
        null: Starts a process that answers at once.
        argument: Makes an input that was never used before, given its index within the group.
        max_inputs: Maximum number of inputs of a group.
        check: Takes side, argument and answer after the clock has stopped; an exception ends the benchmark.
    """

    subject: Callable[[], Process]
    opponent: Callable[[], Process]
    null: Callable[[], Process]
    argument: Callable[[int], Any]
    check: Callable[[str, Any, Any], None]
    max_inputs: int = MAX_PAIRS


def run_paired_benchmark(benchmark: PairedBenchmark, stopwatch: Stopwatch, *, name: str, seed: int = 0) -> Comparison:
    """Compare subject and opponent; add measurements until the control is precise enough or the time is used up.

    A disturbed measurement is discarded. Without a thorough instrument (`--benchmark-disable`) nothing is measured.

    Args:
        benchmark: The processes and inputs of the comparison.
        stopwatch: Measures; each measurement holds its lock and uses one core.
        name: Name of the comparison, for messages.
        seed: Seed of the resampling.
    """
    if not stopwatch.instrument.thorough:
        return Comparison(verdict=Verdict.UNDERPOWERED, why="benchmarks are disabled")
    if benchmark.max_inputs <= MIN_PAIRS:
        why = f"there are {benchmark.max_inputs} inputs, but {MIN_PAIRS + 1} different ones are needed"
        return Comparison(verdict=Verdict.UNDERPOWERED, why=why)
    started = time.monotonic()
    results = _Results(seed)
    for _ in range(MAX_MEASUREMENTS):
        with _PairedMeasurement(benchmark, seconds=stopwatch.instrument.seconds) as running:
            measured = stopwatch.measure(name, running.rounds, tries=1)
        results.add(measured, running)
        found = results.verdict()
        if found.decided or time.monotonic() - started > MAX_DURATION_FACTOR * stopwatch.instrument.seconds:
            break
    return results.with_details(found)


class _Results:
    """All measurements of a benchmark so far, by two clocks.

    The comparison is about wall time. Where other processes disturb the wall clock, CPU time gives the same result
    with less noise, provided that the subject never sleeps. It may give up its core only to wait for the next question,
    which the parent can observe.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._wall, self._cpu = LogRatios(), LogRatios()
        self._counted: list[float] = []
        self._noise, self._sleeps = "", False

    def add(self, measured: Measurement, running: _PairedMeasurement) -> None:
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
        # The clock is chosen by its control alone, never by its result for the subject.
        finer = cpu.ratio is not None and (wall.ratio is None or (cpu.deviation or 0.0) < (wall.deviation or 0.0))
        if cpu.decided < wall.decided or (cpu.decided == wall.decided and not finer):
            return wall
        return cpu.model_copy(update={"clock": "cpu", "why": f"by CPU time, {cpu.why}"})

    def with_details(self, found: Comparison) -> Comparison:
        if not found.decided and self._noise:
            found = found.model_copy(update={"why": f"too noisy: {self._noise}; {found.why}"})
        if not self._counted:
            return found
        ratio = statistics.median(self._counted)
        why = f"{found.why}; {ratio:.3f} times the instructions"
        return found.model_copy(update={"instructions": ratio, "why": why})


ORDERS = tuple(permutations(SIDES))


@dataclass(slots=True)
class _PairedMeasurement:
    """The rounds of one measurement, and the processes that answer them."""

    benchmark: PairedBenchmark
    seconds: float
    groups: int = MAX_GROUPS
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
        """Whether the subject gives up its core more often than its opponent, which only waits for questions."""
        each = {side: self.waits[side] / max(1, self.asked[side]) for side in (sides.SUBJECT, OPPONENT)}
        return each[sides.SUBJECT] > each[OPPONENT] + SLEEP_MARGIN

    def __enter__(self) -> _PairedMeasurement:
        return self

    def __exit__(self, *_ended: object) -> None:
        for side in list(self.running):
            self._stop(side)

    def rounds(self, section: Section) -> list[Round]:
        """The rounds of a measurement; one group runs untimed first, to find how many pairs and groups fit."""
        self.section = section
        self._start(sides.NULL)
        opening = self._cost(self._group(0, 0))
        each = min(self._cost(self._triple(0, index)) for index in range(1, 1 + MIN_PAIRS))
        # The optimal number of calls per process in two-stage sampling.
        often = round(CALL_TO_PROCESS_DEVIATION * math.sqrt(opening / max(1e-6, each)))
        often = max(MIN_PAIRS, min(often, MAX_PAIRS, self.benchmark.max_inputs - 1))
        self.groups = max(MIN_GROUPS, min(MAX_GROUPS, int(self.seconds / (opening + often * each))))
        return [one for number in range(self.groups) for one in self._group(number, often)]

    def instructions(self) -> list[float]:
        """Instructions of the subject divided by the opponent's, by group; empty without instruction counters."""
        both = zip(self.counts[sides.SUBJECT], self.counts[OPPONENT], strict=False)
        return [subject / opponent for subject, opponent in both if opponent > 0]

    @staticmethod
    def _cost(rounds: list[Round]) -> float:
        begun = time.perf_counter()
        for one in rounds:
            call = one.prepare()
            one.check(call.target(call.argument))
        return time.perf_counter() - begun

    def _group(self, number: int, often: int) -> list[Round]:
        """Fresh processes, a first call of each that is not counted (it faults in their pages), then the pairs."""
        # The first null call includes the wake-up of its process, so the second one is subtracted from other calls.
        nulls = [Round("null", side, lambda: self._call(sides.NULL, b"{}"), _ignore) for side in ("waking", sides.NULL)]
        found = [*nulls, *self._triple(number, 0, series="first", fresh=True)]
        for index in range(1, often + 1):
            found += self._triple(number, index)
        return found

    def _triple(self, number: int, index: int, *, series: str = "", fresh: bool = False) -> list[Round]:
        triple = _Triple(self, index)
        # All orders in turn: the first side finds caches warm from making the input, the last one does not.
        order = ORDERS[(number + index) % len(ORDERS)]
        return [self._round(series or str(number), side, triple, fresh=fresh and side == order[0]) for side in order]

    def _round(self, series: str, side: str, triple: _Triple, *, fresh: bool) -> Round:
        return Round(
            series,
            side,
            lambda: self._prepare(side, triple, fresh=fresh),
            lambda answer: self.benchmark.check(side, triple.argument, answer),
        )

    def _prepare(self, side: str, triple: _Triple, *, fresh: bool) -> Call:
        if fresh:
            for each in SIDES:
                self._start(each)
        elif triple.index == 1 and not self.since:  # the first call is neither timed nor counted
            self.since = {each: counter.read() for each, counter in self.counters.items()}
        return self._call(side, triple.argument)

    def _call(self, side: str, argument: Any) -> Call:
        process = self.running[side]
        self.asked[side] += 1
        return Call(process.ask, argument, process.pid)

    def _start(self, side: str) -> None:
        self._stop(side)
        starts = {sides.SUBJECT: self.benchmark.subject, sides.NULL: self.benchmark.null}
        process = starts.get(side, self.benchmark.opponent)()
        self.running[side] = process
        self.since_waits[side] = count_voluntary_switches(process.pid)
        counter = Counter.of(process.pid) if side in SIDES else None
        if counter is not None:
            self.counters[side] = counter
        if self.section is not None:
            self.section.adopt(process.pid)

    def _stop(self, side: str) -> None:
        process = self.running.pop(side, None)
        if process is None:
            return
        self.waits[side] += max(0, count_voluntary_switches(process.pid) - self.since_waits.pop(side, 0))
        counter = self.counters.pop(side, None)
        if counter is not None:
            if side in self.since:
                self.counts[side].append(counter.read() - self.since.pop(side))
            counter.close()
        if self.section is not None:
            self.section.dismiss(process.pid)
        process.close()


class _Triple:
    """One input for three processes, made when the first of them uses it."""

    def __init__(self, measurement: _PairedMeasurement, index: int) -> None:
        self._measurement, self.index = measurement, index
        self._made: Any = None

    @property
    def argument(self) -> Any:
        if self._made is None:
            self._made = self._measurement.benchmark.argument(self.index)
        return self._made


def count_voluntary_switches(pid: int) -> int:
    """Number of voluntary context switches of a process so far; 0 where it is unknown."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text("ascii", "replace").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("voluntary_ctxt_switches:")), 0)


def _ignore(_answer: Any) -> None:
    pass
