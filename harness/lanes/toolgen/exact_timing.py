"""Exact timing: wall time of a candidate and its reference on fresh inputs, measured in the exclusive phase."""

from __future__ import annotations

import contextlib
import os
import signal
import statistics
import time
from collections.abc import Callable, Sequence
from itertools import chain, zip_longest
from typing import Any

from harness.core.errors import SpecError
from harness.core.stats import bootstrap_interval
from harness.lanes.toolgen.performance import FACTORS, MIN_SECONDS, NULL_SOURCE, Profile, upper_seconds, workload_key
from harness.lanes.toolgen.plan import Plan
from harness.lanes.toolgen.questions import Question, Questions
from harness.lanes.toolgen.reply import Reply, Timed
from harness.lanes.toolgen.wrong_answer import wrong_answer
from harness.sandbox.answer import Answer
from harness.sandbox.box import Box
from harness.sandbox.fault import BoxFault
from harness.sandbox.limits import Limits
from harness.sandbox.loop import drive
from harness.sandbox.pool import BoxPool
from harness.timing import stopwatch as sides
from harness.timing.stopwatch import Call, Measurement, Round, Section, Stopwatch

ORDINARY = "ordinary"  # the series of the shared questions; its median is the candidate's `median_ms`
MAX_CALLS = 2000  # maximum number of calls of each series and side
BOOTSTRAP = 200
NULL_EVERY = 8  # number of other calls between two null calls


def measure_exactly(pool: BoxPool, questions: Questions, plan: Plan, stopwatch: Stopwatch, *, name: str) -> Profile:
    """Time a candidate; every answer is checked after the clock has stopped.

    Args:
        questions: The shared questions are asked again, each once per box, so that caching does not help; for growth,
            the oracle's `workload` makes a fresh input for every call.
        name: Name of the measurement, for messages.

    Raises:
        SpecError: if the oracle fails.
        InfraError: if no box can be opened.
    """
    profile = Profile(clock="wall", statistic=upper_seconds)
    with _Timing(pool, questions, plan, profile, thorough=stopwatch.instrument.thorough) as timing:
        timing.min_rounds, timing.seconds = stopwatch.instrument.min_rounds, stopwatch.instrument.seconds
        try:
            measurement = stopwatch.measure(name, timing.rounds)
        except BoxFault as fault:
            profile.fault = fault
            return profile
    profile.block = len(timing.asked)
    _conclude(profile, measurement, [questions.tool.spec.workload_size * factor for factor in FACTORS])
    return profile


def _conclude(profile: Profile, measurement: Measurement, sizes: Sequence[int]) -> None:
    profile.quality = measurement.quality
    nulls = measurement.of(ORDINARY, sides.NULL)
    # The least one: a larger one would take off a candidate's time what the machine happened to do.
    profile.null_seconds = min(nulls, default=0.0)
    profile.latency = _net(measurement.of(ORDINARY), profile.null_seconds)
    profile.reference_latency = measurement.of(ORDINARY, sides.REFERENCE)
    for size in sizes:
        candidate = _net(measurement.of(str(size)), profile.null_seconds)
        reference = measurement.of(str(size), sides.REFERENCE)
        if candidate and reference:
            profile.samples[size] = candidate
            profile.rows.append(
                {
                    "size": size,
                    "candidate_s": profile.statistic(candidate),
                    **_interval(bootstrap_interval(candidate, resamples=BOOTSTRAP)),
                    "reference_s": max(MIN_SECONDS, statistics.median(reference)),
                }
            )


def _interval(found: tuple[float, float] | None) -> dict[str, float]:
    return {} if found is None else {"candidate_low_s": found[0], "candidate_high_s": found[1]}


def _net(samples: Sequence[float], null: float) -> list[float]:
    return [max(MIN_SECONDS, one - null) for one in samples]


class _Timing:
    """The rounds of one candidate, and the boxes they need."""

    def __init__(self, pool: BoxPool, questions: Questions, plan: Plan, profile: Profile, *, thorough: bool) -> None:
        self.pool, self.questions, self.plan, self.profile = pool, questions, plan, profile
        self.thorough, self.min_rounds, self.seconds = thorough, 3, 1.0
        self.asked = [question for question in questions.shared if question.origin != "edge"]
        self.oracle = questions.oracle
        self.section: Section | None = None
        self.boxes: dict[str, Box] = {}
        self.turn = 0  # of the box that is asked growing inputs
        self.made = 0  # workloads, over all tries: no input is used twice

    def __enter__(self) -> _Timing:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        for name in list(self.boxes):
            self._close(name, checked=error is None)

    def rounds(self, section: Section) -> list[Round]:
        """The rounds of one try; each kind of call is first made once, untimed, to find how many calls fit."""
        self.section = section
        self._open("null", NULL_SOURCE, "null", Limits())
        if self.oracle is not None:
            section.adopt(self.oracle.pid)
        self._open("workload", self.plan.source, self.plan.box_entry, self.plan.limits)
        passes = self._often(lambda: self._pass(0), len(self.asked), share=0.5)
        blocks = [self._pass(turn) for turn in range(passes)]
        sizes = [self.questions.tool.spec.workload_size * factor for factor in FACTORS]
        pairs: list[list[list[Round]]] = []
        if self.oracle is not None and self.oracle.defines("workload"):
            for size in sizes:
                often = self._often(lambda size=size: self._pair(size, 0), 1, share=0.5 / len(sizes))  # type: ignore[misc]
                pairs.append([self._pair(size, turn) for turn in range(often)])
        growing = [list(chain.from_iterable(column)) for column in zip_longest(*pairs, fillvalue=[])]
        return self._with_nulls(_merge(blocks, growing))

    def _often(self, make: Callable[[], list[Round]], calls: int, *, share: float) -> int:
        begun = time.perf_counter()
        for one in make():
            call = one.prepare()
            one.check(call.target(call.argument))
        if not self.thorough:
            return self.min_rounds
        cost = max(1e-6, time.perf_counter() - begun)
        return max(self.min_rounds, min(int(self.seconds * share / cost), MAX_CALLS // max(1, calls)))

    def _with_nulls(self, blocks: list[list[Round]]) -> list[Round]:
        found: list[Round] = []
        for number, one in enumerate(chain.from_iterable(blocks)):
            found.append(one)
            if number % NULL_EVERY == 0:
                found.append(Round(ORDINARY, sides.NULL, self._null, _ignore))
        return found

    def _null(self) -> Call:
        self._stop_others("null")
        box = self.boxes["null"]
        return Call(box.ask, b"{}", box.pid)

    # The shared questions, each pass in a fresh box

    def _pass(self, turn: int) -> list[Round]:
        found: list[Round] = []
        for number, question in enumerate(self.asked):
            pair = [self._ask("ordinary", ORDINARY, question, fresh=number == 0)]
            if self.oracle is not None:
                pair.append(Round(ORDINARY, sides.REFERENCE, self._refer(lambda key=question.key: key), _ignore))  # type: ignore[misc]
            found += pair if (turn + number) % 2 == 0 else reversed(pair)
        return found

    def _ask(self, box: str, series: str, question: Question, *, fresh: bool) -> Round:
        def prepare() -> Call:
            if fresh:
                self._open(box, self.plan.source, self.plan.box_entry, self.plan.limits)
            self.boxes[box].allow(question.due)
            return self._call(box, question.key)

        return Round(series, sides.SUBJECT, prepare, lambda answer: self._check(question, answer))

    def _refer(self, key: Callable[[], bytes]) -> Callable[[], Call]:
        oracle = self.oracle
        if oracle is None:
            raise SpecError("the tool has no reference to time", where=str(self.questions.tool.path))

        def ask(asked: bytes) -> Timed:
            return drive(oracle.reply(asked))

        def prepare() -> Call:
            asked = key()
            self._stop_others("")
            return Call(ask, asked, oracle.pid, lambda timed: float(timed.seconds))

        return prepare

    # Growing inputs, each used once per side

    def _pair(self, size: int, turn: int) -> list[Round]:
        pair = _Pair(self, size)
        subject = Round(str(size), sides.SUBJECT, lambda: self._work(turn, pair.key), pair.answered)
        reference = Round(str(size), sides.REFERENCE, self._refer(lambda: pair.key), pair.referred)
        return [subject, reference] if turn % 2 == 0 else [reference, subject]

    def _work(self, turn: int, key: bytes) -> Call:
        """A call with a growing input, each turn of all sizes in a process of its own."""
        if turn != self.turn:
            self._open("workload", self.plan.source, self.plan.box_entry, self.plan.limits)
            self.turn = turn
        return self._call("workload", key)

    def fresh_key(self, size: int) -> bytes:
        """An encoded input of the given size that was never used before."""
        if self.oracle is None:
            raise SpecError("the tool has no workload to time", where=str(self.questions.tool.path))
        self.made += 1
        return drive(workload_key(self.questions, self.oracle, size, "exact", self.made))

    def _call(self, name: str, key: bytes) -> Call:
        self.profile.fault_question = key
        self._stop_others(name)
        box = self.boxes[name]
        return Call(box.ask, key, box.pid)

    def _check(self, question: Question, answer: Answer) -> None:
        profile = self.profile
        profile.fault_question = None
        profile.seconds.append(answer.seconds)
        profile.total += 1
        reply = Reply(answer.kind, answer.payload)
        if drive(self.questions.right(question, reply)):
            profile.right += 1
        else:
            profile.wrong.append(wrong_answer(self.plan.entry, question, reply))

    def check_workload(self, key: bytes, expected: Reply, answer: Answer) -> None:
        """Compare an answer with the reference's own timed reply."""
        # Too late for this answer, but it restores the box's allowance before the next one.
        self.boxes["workload"].allow(len(expected.payload))
        self._check(Question("workload", key, expected), answer)

    # Boxes

    def _stop_others(self, name: str) -> None:
        """Stop the candidate's boxes but the named one, so that no thread of theirs takes the core of another call."""
        for other, box in self.boxes.items():
            if other != "null" and box.pid:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(box.pid, signal.SIGCONT if other == name else signal.SIGSTOP)

    def _open(self, name: str, source: bytes, entry: str, limits: Limits) -> None:
        self._close(name)
        box = self.pool.open(source, entry=entry, limits=limits)
        self.boxes[name] = box
        if self.section is not None:
            self.section.adopt(box.pid)

    def _close(self, name: str, *, checked: bool = True) -> None:
        box = self.boxes.pop(name, None)
        if box is None:
            return
        if self.section is not None:
            self.section.dismiss(box.pid)
        try:
            if checked:
                box.finish()
        finally:
            box.close()
            usage, known = box.usage, self.profile.usage
            if name != "null" and (known is None or usage.peak_mb > known.peak_mb):
                self.profile.usage = usage


class _Pair:
    """One input for both sides, made when the first side uses it; the answers are compared when both exist."""

    def __init__(self, timing: _Timing, size: int) -> None:
        self._timing, self._size = timing, size
        self._key: bytes | None = None
        self._answer: Answer | None = None
        self._reply: Reply | None = None

    @property
    def key(self) -> bytes:
        if self._key is None:
            self._key = self._timing.fresh_key(self._size)
        return self._key

    def answered(self, answer: Answer) -> None:
        self._answer = answer
        self._compare()

    def referred(self, timed: Timed) -> None:
        self._reply = timed.reply
        self._compare()

    def _compare(self) -> None:
        if self._answer is not None and self._reply is not None:
            self._timing.check_workload(self.key, self._reply, self._answer)
            self._answer = self._reply = self._key = None


def _merge(one: list[list[Round]], other: list[list[Round]]) -> list[list[Round]]:
    """Interleave both lists evenly, so that a drift of the machine affects them equally."""
    places = [((index + 0.5) / len(group), block) for group in (one, other) for index, block in enumerate(group)]
    return [block for _, block in sorted(places, key=lambda place: place[0])]


def _ignore(_answer: Any) -> None:
    pass
