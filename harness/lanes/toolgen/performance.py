"""Performance: CPU time at n, 2n, 4n and 8n, of the candidate in its box and of the reference here."""

from __future__ import annotations

import math
import random
import statistics
import weakref
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.core.digest import derive_seed
from harness.core.errors import SpecError, position
from harness.core.quality import Quality
from harness.lane.watchdog import OverdueError, limited
from harness.lanes.toolgen.attempt import Plan
from harness.lanes.toolgen.counterexample import Wrong, wrong_answer
from harness.lanes.toolgen.oracle import TRUSTED_SECONDS, Oracle, Reply
from harness.lanes.toolgen.questions import Question, Questions
from harness.sandbox.codec import encode
from harness.sandbox.fault import BoxFault
from harness.sandbox.limits import Limits
from harness.sandbox.pool import BoxPool
from harness.sandbox.usage import Usage

FACTORS = (1, 2, 4, 8)
REPEATS = 3
"""Fresh inputs of each size; the least time over them counts, on both sides."""
FREE_IDLE = 0.002
"""Seconds of CPU for each size that a box may use between questions: going back to wait for the next one."""
SHORTEST = 1e-6  # seconds; below that a clock shows nothing
NULL = b"def null():\n    return None\n"
_NULL_CALLS = 15
RESAMPLES = 400


@dataclass(frozen=True, slots=True)
class Workload:
    """The inputs of one size, with what the reference made of them and how long it took."""

    size: int
    questions: tuple[Question, ...]
    reference_seconds: float


@dataclass(slots=True)
class Profile:
    """What was measured.

    Attributes:
        rows: One for each size: size, candidate_s, reference_s (seconds).
        right: Right answers.
        total: Questions.
        seconds: Wall seconds of the calls.
        wrong: Wrong answers.
        fault: What ended the box.
        clock: `cpu` or `wall`.
        latency: Net wall seconds of ordinary questions, where timing is exact.
        reference_latency: The reference's on the same ones.
        block: How many of these were asked of one box.
        samples: By size, seconds of the candidate on each input.
        null_seconds: What was taken off as the cost of asking.
        quality: Of an exact measurement.
    """

    rows: list[dict[str, Any]] = field(default_factory=list)
    right: int = 0
    total: int = 0
    seconds: list[float] = field(default_factory=list)
    wrong: list[Wrong] = field(default_factory=list)
    fault: BoxFault | None = None
    fault_question: bytes | None = None
    usage: Usage | None = None
    clock: str = "cpu"
    latency: list[float] = field(default_factory=list)
    reference_latency: list[float] = field(default_factory=list)
    block: int = 0
    samples: dict[int, list[float]] = field(default_factory=dict)
    null_seconds: float = 0.0
    quality: Quality | None = None


_WORKLOADS: dict[tuple[str, int], tuple[Workload, ...]] = {}


def workloads_for(questions: Questions) -> tuple[Workload, ...]:
    """The timed inputs of a run about one tool, made once per process; none without an oracle's `workload`.

    Raises:
        SpecError: if `workload` or the reference fails.
    """
    oracle = questions.oracle
    if oracle is None or oracle.workload is None:
        return ()
    key = (questions.tool.digest, questions.seed)
    if key not in _WORKLOADS:
        if len(_WORKLOADS) >= 16:
            _WORKLOADS.pop(next(iter(_WORKLOADS)))
        smallest = questions.tool.spec.workload_size
        _make(questions, oracle, smallest, repeats=1)  # the first call pays for caches and lazy imports
        _WORKLOADS[key] = tuple(_make(questions, oracle, smallest * factor) for factor in FACTORS)
    return _WORKLOADS[key]


def _make(questions: Questions, oracle: Oracle, size: int, *, repeats: int = REPEATS) -> Workload:
    made: list[Question] = []
    times: list[float] = []
    for repeat in range(repeats):
        key = workload_key(questions, oracle, size, repeat)
        reply, seconds = oracle.timed_reply(key)
        made.append(Question("workload", key, reply))
        times.append(seconds)
    return Workload(size, tuple(made), max(SHORTEST, min(times)))


def workload_key(questions: Questions, oracle: Oracle, size: int, *parts: object) -> bytes:
    """Keyword arguments of one size as the oracle's `workload` makes them, encoded; other parts, another input.

    Raises:
        SpecError: if `workload` fails, or makes what does not fit the signature.
    """
    rng = random.Random(derive_seed(questions.seed, "workload", size, *parts))  # noqa: S311 - the seed is the secret
    try:
        with limited(TRUSTED_SECONDS):
            kwargs = oracle.workload(size, rng) if oracle.workload else {}
        key = encode(kwargs)
    except (Exception, SystemExit, OverdueError) as error:
        raise oracle.fault("workload", b"{}", error) from error
    misfit = questions.tool.signature.misfit(kwargs)
    if misfit:
        raise SpecError(f"workload() makes what does not fit the signature: {misfit}", where=position(oracle.path))
    return key


def measure(pool: BoxPool, questions: Questions, plan: Plan) -> Profile | None:
    """Time a candidate on the workloads, in a box of their own, every answer checked; None if there is nothing to time.

    Raises:
        SpecError: if the oracle fails.
        InfraError: if no box can be had.
    """
    workloads = workloads_for(questions)
    if not workloads:
        return None
    null = null_call(pool)
    profile = Profile(total=sum(len(workload.questions) for workload in workloads))
    box = None
    try:
        with pool.open(plan.source, entry=plan.entry, limits=plan.limits, hash_seed=plan.hash_seeds[0]) as box:
            for workload in workloads:
                times: list[float] = []
                for question in workload.questions:
                    profile.fault_question = question.key
                    box.allow(question.due)
                    answer = box.ask(question.key)
                    profile.fault_question = None
                    profile.seconds.append(answer.seconds)
                    if answer.cpu_seconds is None:
                        profile.clock = "wall"
                        times.append(answer.seconds - null.seconds)
                    else:
                        times.append(answer.cpu_seconds - null.cpu_seconds)
                    reply = Reply(answer.kind, answer.payload)
                    if questions.right(question, reply):
                        profile.right += 1
                    else:
                        profile.wrong.append(wrong_answer(plan.entry, question, reply))
                profile.samples[workload.size] = times
                quickest = max(SHORTEST, min(times))
                reference = workload.reference_seconds
                profile.rows.append(
                    {
                        "size": workload.size,
                        "candidate_s": quickest,
                        "reference_s": reference,
                        "candidate_low_s": quickest,
                        # Of three, the least may have been the lucky one; the middle one was not the unlucky one.
                        "candidate_high_s": max(SHORTEST, statistics.median(times)),
                    }
                )
    except BoxFault as fault:
        profile.fault = fault
    profile.usage = box.usage if box is not None else None
    if profile.usage is not None and profile.rows:
        # Work done while nothing was asked is work all the same: a thread that computes between the questions.
        idle = profile.usage.idle_cpu_ms / 1e3 / len(profile.rows)
        if idle > FREE_IDLE:
            for row in profile.rows:
                for name in ("candidate_s", "candidate_low_s", "candidate_high_s"):
                    row[name] += idle
    return profile


@dataclass(frozen=True, slots=True)
class NullCall:
    """What asking costs when nothing is done: wall and CPU seconds of one question."""

    seconds: float
    cpu_seconds: float


_NULLS: weakref.WeakKeyDictionary[Any, NullCall] = weakref.WeakKeyDictionary()


def null_call(pool: BoxPool) -> NullCall:
    """Measure the round trip of a question with no work behind it, once per pool.

    The least of some calls counts: a larger one would take off a candidate's time what the machine happened to do.
    """
    if pool not in _NULLS:
        try:
            with pool.open(NULL, entry="null", limits=Limits()) as box:
                answers = [box.ask(b"{}") for _ in range(_NULL_CALLS)]
            _NULLS[pool] = NullCall(
                min(answer.seconds for answer in answers),
                min(answer.cpu_seconds or 0.0 for answer in answers),
            )
        except BoxFault:
            _NULLS[pool] = NullCall(0.0, 0.0)  # nothing is subtracted: a measurement too large blames nobody falsely
    return _NULLS[pool]


def growth(rows: Sequence[dict[str, Any]], name: str = "candidate_s") -> float | None:
    """The exponent of a power law fitted to seconds over size, by least squares of logarithms; None of too little."""
    if len(rows) < 3:
        return None
    return _slope([(row["size"], row[name]) for row in rows])


def growth_interval(profile: Profile) -> tuple[float, float] | None:
    """95 % interval of that exponent: a bootstrap over the samples of each size; None of too little.

    A size stands for itself by the statistic its row shows: the least of a few (CPU time), the median of many (wall).
    """
    if len(profile.samples) < 3:
        return None
    rng = random.Random(len(profile.rows))  # noqa: S311 - resampling, not a secret
    statistic = min if profile.clock == "cpu" else statistics.median
    slopes = sorted(
        _slope([(size, statistic(rng.choices(times, k=len(times)))) for size, times in profile.samples.items()])
        for _ in range(RESAMPLES)
    )
    tail = round(0.025 * (RESAMPLES - 1))
    return slopes[tail], slopes[-1 - tail]


def _slope(points: Sequence[tuple[int, float]]) -> float:
    xs = [math.log(size) for size, _ in points]
    ys = [math.log(max(SHORTEST, seconds)) for _, seconds in points]
    return statistics.linear_regression(xs, ys).slope
