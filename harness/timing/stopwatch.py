"""Stopwatch: times a subject and what it is compared with, alone on the machine, and says how well that went."""

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
from harness.timing.noise import WHOLE, Tally, Watch, disturbed, foreign, spread, verdict

SUBJECT, REFERENCE, NULL = "subject", "reference", "null"
TRIES = 3
"""Measurements of which one has to be fit."""
LONGEST = 4.0
"""No further try once trying has taken so many times what a measurement should take."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call that is ready to be timed.

    Attributes:
        target: What is called.
        argument: With what: an input that was never used before.
        pid: The box that does the work; 0 if this process does.
    """

    target: Callable[[Any], Any]
    argument: Any
    pid: int = 0


@dataclass(frozen=True, slots=True)
class Round:
    """One timed call with what comes before and after, untimed.

    Attributes:
        series: What is timed, such as one size of input.
        side: `subject`, `reference`, or `null` (asking with nothing to do).
        prepare: Makes the call ready.
        check: Takes what it returned.
    """

    series: str
    side: str
    prepare: Callable[[], Call]
    check: Callable[[Any], None]


@dataclass(frozen=True, slots=True)
class Measurement:
    """Seconds of each call by series and side, in the order they were made, and how good they are.

    Attributes:
        samples: Wall seconds.
        waited: Of the same calls, whether each was kept waiting: less CPU time than nine tenths of its wall time.
        cpu: Of the same calls, CPU seconds of the process that was called; 0 where its clock cannot be read.
        quality: How good the whole is.
    """

    samples: dict[tuple[str, str], list[float]]
    quality: Quality
    waited: dict[tuple[str, str], list[bool]] = field(default_factory=dict)
    cpu: dict[tuple[str, str], list[float]] = field(default_factory=dict)

    def of(self, series: str, side: str = SUBJECT) -> list[float]:
        """The samples of one kind."""
        return self.samples.get((series, side), [])


class Section:
    """One try: what runs in it is on one core and its CPU time is known."""

    def __init__(self, core: OneCore) -> None:
        self._core = core
        self._boxes: dict[int, float] = {}
        self._spent = 0.0
        self._started = time.thread_time()

    def adopt(self, pid: int) -> None:
        """Pin a box and count its time."""
        self._core.adopt(pid)
        self._boxes[pid] = cpu_of(pid)

    def dismiss(self, pid: int) -> None:
        """A box is about to end."""
        self._spent += max(0.0, cpu_of(pid) - self._boxes.pop(pid, math.inf))

    @property
    def cpu(self) -> float:
        """CPU seconds of this thread and the adopted boxes so far."""
        boxes = sum(max(0.0, cpu_of(pid) - since) for pid, since in self._boxes.items())
        return time.thread_time() - self._started + self._spent + boxes


class Stopwatch:
    """Measures for one process.

    Args:
        instrument: What times the calls.
        lock: What keeps other sessions from working meanwhile; by default the machine's.

    Attributes:
        records: What pytest-benchmark is to show, until somebody takes it.
    """

    def __init__(self, instrument: Instrument | None = None, *, lock: FairLock | None = None) -> None:
        self.instrument: Instrument = instrument or Loop()
        self.records: list[Record] = []
        self._lock = lock or machine_lock()
        self._spreads: list[float] = []

    def measure(self, name: str, plan: Callable[[Section], Sequence[Round]], *, tries: int = TRIES) -> Measurement:
        """Time all rounds of a plan, again while the result is too noisy and there is time.

        Args:
            name: For messages.
            plan: Makes the rounds of one try, on inputs never used before; it may make untimed calls to learn how many
                rounds there is time for.
            tries: At most so many.
        """
        started = time.monotonic()
        tries = tries if self.instrument.thorough else 1
        for turn in range(tries):
            found = self._try(name, plan, turn)
            if not found.quality.noisy or time.monotonic() - started > LONGEST * self.instrument.seconds:
                break
        return found

    def record(self, samples: Sequence[float], **about: Any) -> None:
        """Keep a line for pytest-benchmark; see `Record`."""
        if self.instrument.recording and samples:
            self.records.append(Record.of(samples, **about))

    def take_records(self) -> list[Record]:
        """Hand over what was kept."""
        taken, self.records = self.records, []
        return taken

    def _try(self, name: str, plan: Callable[[Section], Sequence[Round]], turn: int) -> Measurement:
        with self._lock.exclusive() as hold, OneCore(turn) as core:
            section = Section(core)
            rounds = plan(section)
            watch, before = Watch(), section.cpu
            run = _Run(rounds)
            walls = self.instrument.run(run.target, run.setup, len(rounds), name=name) if rounds else []
            run.finish()
            watch.finish(section.cpu - before)
            pinned = core.core is not None
        samples: dict[tuple[str, str], list[float]] = defaultdict(list)
        waited: dict[tuple[str, str], list[bool]] = defaultdict(list)
        used: dict[tuple[str, str], list[float]] = defaultdict(list)
        for one, wall, late, spent in zip(rounds, walls, run.waited, run.cpu, strict=True):
            samples[one.series, one.side].append(wall)
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
    """Leads an instrument through the rounds: each is checked, and its CPU time taken, before the next is prepared."""

    def __init__(self, rounds: Sequence[Round]) -> None:
        self._rounds = iter(rounds)
        self._current: Round | None = None
        self._pid = 0
        self._answer: Any = None
        self._wall = self._cpu = self._box = 0.0
        self.all, self.control = Tally([], []), Tally([], [])
        self.waited: list[bool] = []
        self.cpu: list[float] = []

    def target(self, call: Callable[[Any], Any], argument: Any) -> None:
        self._answer = call(argument)

    def setup(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        self.finish()
        self._current = one = next(self._rounds)
        call = one.prepare()
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
        self.waited.append(cpu < WHOLE * wall)
        answer, self._answer, self._current = self._answer, None, None
        one.check(answer)


def cpu_of(pid: int) -> float:
    """CPU seconds of another process by the kernel's clock of it; 0 where there is none."""
    try:
        return time.clock_gettime((~pid << 3) | 2)
    except (OSError, AttributeError):
        return 0.0
