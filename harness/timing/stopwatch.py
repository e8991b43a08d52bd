"""Stopwatch: times calls of a subject and its references while no other session works, and rates the measurement."""

from __future__ import annotations

import math
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.core.quality import Quality
from harness.timing.affinity import OneCore
from harness.timing.benchmark import Instrument, Loop, Record
from harness.timing.lock import FairLock, machine_lock
from harness.timing.noise import MIN_CPU_SHARE, CallTimes, MachineMonitor, disturbed, foreign, spread, verdict

SUBJECT, REFERENCE, NULL = "subject", "reference", "null"
MAX_TRIES = 3  # maximum number of measurements; the first usable one is the result
MAX_DURATION_FACTOR = 4.0  # no further try starts after this multiple of the target duration of one measurement


@dataclass(frozen=True, slots=True)
class Call:
    """One call that is ready to be timed.

    Attributes:
        argument: Its argument, an input that was never used before.
        pid: Process id of the box that executes the call; 0 for this process.
        seconds: Reads the wall seconds of the call from its answer, where the called process measures them itself.
    """

    target: Callable[[Any], Any]
    argument: Any
    pid: int = 0
    seconds: Callable[[Any], float] | None = None


@dataclass(frozen=True, slots=True)
class Round:
    """One timed call with untimed steps before and after it.

    Attributes:
        series: Name of the series the call belongs to, such as one input size.
        side: `subject`, `reference`, or `null` (a call that does nothing).
        check: Takes the returned value.
    """

    series: str
    side: str
    prepare: Callable[[], Call]
    check: Callable[[Any], None]


@dataclass(frozen=True, slots=True)
class Measurement:
    """The times of all calls by series and side, in call order, and the quality of the measurement.

    Attributes:
        samples: Wall seconds of each call.
        waited: Whether each call was delayed: its CPU time is less than nine tenths of its wall time.
        cpu: CPU seconds of the called process for each call; 0 where its clock cannot be read.
    """

    samples: dict[tuple[str, str], list[float]]
    quality: Quality
    waited: dict[tuple[str, str], list[bool]] = field(default_factory=dict)
    cpu: dict[tuple[str, str], list[float]] = field(default_factory=dict)

    def of(self, series: str, side: str = SUBJECT) -> list[float]:
        """Wall seconds of one series and side; empty if it was not measured."""
        return self.samples.get((series, side), [])


class Section:
    """One try: pins this process and its boxes to one core and sums their CPU time."""

    def __init__(self, core: OneCore) -> None:
        self._core = core
        self._boxes: dict[int, float] = {}
        self._spent = 0.0
        self._started = time.thread_time()

    def adopt(self, pid: int) -> None:
        """Pin a box to the core and count its CPU time from now on."""
        self._core.adopt(pid)
        self._boxes[pid] = cpu_of(pid)

    def dismiss(self, pid: int) -> None:
        """Add the CPU time of a box that is about to end, and stop counting it."""
        self._spent += max(0.0, cpu_of(pid) - self._boxes.pop(pid, math.inf))

    @property
    def cpu(self) -> float:
        """CPU seconds of this thread and the adopted boxes so far."""
        boxes = sum(max(0.0, cpu_of(pid) - since) for pid, since in self._boxes.items())
        return time.thread_time() - self._started + self._spent + boxes


class Stopwatch:
    """Measures in one process.

    Args:
        instrument: Times the calls; by default the built-in loop.
        lock: Keeps other sessions from working during a measurement; by default the machine's lock.

    Attributes:
        records: Records for pytest-benchmark that were not taken yet.
    """

    def __init__(self, instrument: Instrument | None = None, *, lock: FairLock | None = None) -> None:
        self.instrument: Instrument = instrument or Loop()
        self.records: list[Record] = []
        self._lock = lock or machine_lock()
        self._spreads: list[float] = []

    def measure(self, name: str, plan: Callable[[Section], Sequence[Round]], *, tries: int = MAX_TRIES) -> Measurement:
        """Time all rounds of a plan; repeat while the result is too noisy and time is left.

        Args:
            name: Name of the measurement, for messages.
            plan: Makes the rounds of one try, on inputs never used before; it may make untimed calls to find how many
                rounds fit.
        """
        started = time.monotonic()
        tries = tries if self.instrument.thorough else 1
        for turn in range(tries):
            found = self._try(name, plan, turn)
            if not found.quality.noisy or time.monotonic() - started > MAX_DURATION_FACTOR * self.instrument.seconds:
                break
        return found

    def record(self, samples: Sequence[float], **about: Any) -> None:
        """Keep a record for pytest-benchmark if the instrument keeps records; see `Record`."""
        if self.instrument.recording and samples:
            self.records.append(Record.of(samples, **about))

    def take_records(self) -> list[Record]:
        """Return the kept records and forget them."""
        taken, self.records = self.records, []
        return taken

    def _try(self, name: str, plan: Callable[[Section], Sequence[Round]], turn: int) -> Measurement:
        with self._lock.exclusive() as hold, OneCore(turn) as core:
            section = Section(core)
            rounds = plan(section)
            watch, before = MachineMonitor(), section.cpu
            run = _Run(rounds)
            walls = self.instrument.run(run.target, run.setup, len(rounds), name=name) if rounds else []
            run.finish()
            watch.finish(section.cpu - before)
            pinned = core.core is not None
        samples: dict[tuple[str, str], list[float]] = defaultdict(list)
        waited: dict[tuple[str, str], list[bool]] = defaultdict(list)
        used: dict[tuple[str, str], list[float]] = defaultdict(list)
        for one, wall, own, late, spent in zip(rounds, walls, run.own, run.waited, run.cpu, strict=True):
            samples[one.series, one.side].append(wall if own is None else own)
            waited[one.series, one.side].append(late)
            used[one.series, one.side].append(spent)
        shortest = min((statistics.median(own) for (_, side), own in samples.items() if side == SUBJECT), default=0.0)
        nulls = [own for (_, side), own in samples.items() if side == NULL]
        halves = [found for own in nulls if (found := spread(own, shortest)) is not None]
        self._spreads += halves
        wall_seconds = sum(run.all.wall)
        quality = Quality(
            calls=len(walls),
            tries=turn + 1,
            cpu_ratio=sum(run.all.cpu) / wall_seconds if wall_seconds > 0 else None,
            disturbed=disturbed(run.control),
            involuntary=watch.involuntary,
            foreign=foreign(run.control),
            load=watch.load,
            pressure=watch.pressure,
            lock_wait=hold.waited,
            pinned=pinned,
            spread=max(halves, default=None),
            session_spread=math.hypot(*self._spreads) / math.sqrt(len(self._spreads)) if self._spreads else None,
        )
        why = verdict(quality, walls, alone=hold.problem, slept=watch.slept)
        return Measurement(dict(samples), quality.model_copy(update={"why": why}), dict(waited), dict(used))


class _Run:
    """Supplies an instrument with the rounds: each is checked, and its CPU time read, before the next is prepared."""

    def __init__(self, rounds: Sequence[Round]) -> None:
        self._rounds = iter(rounds)
        self._current: Round | None = None
        self._call: Call | None = None
        self._pid = 0
        self._answer: Any = None
        self._wall = self._cpu = self._box = 0.0
        self.all, self.control = CallTimes([], []), CallTimes([], [])
        self.waited: list[bool] = []
        self.cpu: list[float] = []
        self.own: list[float | None] = []  # seconds that the called process measured

    def target(self, call: Callable[[Any], Any], argument: Any) -> None:
        self._answer = call(argument)

    def setup(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        self.finish()
        self._current = one = next(self._rounds)
        self._call = call = one.prepare()
        self._pid = call.pid
        self._box = cpu_of(call.pid) if call.pid else 0.0
        self._cpu = time.thread_time() + self._box
        self._wall = time.perf_counter()
        return (call.target, call.argument), {}

    def finish(self) -> None:
        one = self._current
        if one is None:
            return
        wall = time.perf_counter() - self._wall
        box = cpu_of(self._pid) if self._pid else 0.0
        cpu = time.thread_time() + box - self._cpu
        self.cpu.append(max(0.0, box - self._box))
        for tally in (self.all,) if one.side == SUBJECT else (self.all, self.control):
            tally.wall.append(wall)
            tally.cpu.append(cpu)
        self.waited.append(cpu < MIN_CPU_SHARE * wall)
        answer, self._answer, self._current = self._answer, None, None
        read = self._call.seconds if self._call is not None else None
        self.own.append(None if read is None else read(answer))
        one.check(answer)


def cpu_of(pid: int) -> float:
    """CPU seconds of another process by the kernel's CPU clock; 0 where that clock cannot be read."""
    try:
        return time.clock_gettime((~pid << 3) | 2)
    except (OSError, AttributeError):
        return 0.0
