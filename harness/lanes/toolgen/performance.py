"""Performance: CPU time at sizes n, 2n, 4n and 8n, of the candidate in its box and of the reference in its process."""

from __future__ import annotations

import math
import random
import statistics
import weakref
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import accumulate, combinations_with_replacement
from typing import Any

from harness.core.digest import derive_seed
from harness.core.errors import SpecError, position
from harness.core.quality import Quality
from harness.lanes.toolgen.oracle import Oracle
from harness.lanes.toolgen.questions import Question, Questions
from harness.lanes.toolgen.wrong_answer import WrongAnswer
from harness.sandbox.codec import decode
from harness.sandbox.fault import BoxFault
from harness.sandbox.limits import Limits
from harness.sandbox.pool import BoxPool
from harness.sandbox.usage import Usage

FACTORS = (1, 2, 4, 8)
REPEATS = 3  # number of fresh inputs of each size; the first `SMALL` sizes have one for each process
PROCESSES = 5
"""Full depth: the processes in which a candidate is timed whose times decide something, and the most attempts among
which one is timed. One that is slow in every second process is fast in all of them once in 32 times."""
SMALL = 2  # sizes that are asked in a process beyond the first `REPEATS`; each of those is asked every size
NOISE = 1.25  # factor by which the times of equal code differ
SLOW = 2.0  # times that exceed the least by this factor are a candidate's own doing: noise is less
SLOW_SHARE = 0.25  # calls that must be `SLOW` for a candidate that is slow on some inputs or at some times only
GRACE_SECONDS = 250e-6  # a further difference of times that is allowed
MIN_SECONDS = 1e-6  # times below the resolution of the clock count as this
NULL_SOURCE = b"def null():\n    return None\n"
_NULL_CALLS = 15
RESAMPLES = 400
TAIL = 0.025  # of a 95 % interval, at each end
MAX_EXACT_SAMPLES = 5  # of one size: at most 10,000 slopes in the exact bootstrap


@dataclass(frozen=True, slots=True)
class Workload:
    """The inputs of one size, with the reference's answers and its minimum CPU time in seconds."""

    size: int
    questions: tuple[Question, ...]
    reference_seconds: float


@dataclass(slots=True)
class Profile:
    """The times of one candidate.

    Attributes:
        rows: One row per size: size, candidate_s, reference_s (seconds).
        seconds: Wall seconds of each call.
        fault: The fault that ended the box, if there was one.
        clock: `cpu` or `wall`.
        latency: Net wall seconds of ordinary questions, with exact timing.
        reference_latency: The reference's wall seconds on the same questions.
        block: Number of ordinary questions asked in one box.
        samples: Seconds of the candidate on each input, by size, with everything that is charged to it.
        statistic: What a row takes of the samples of its size.
        null_seconds: Duration of a null call, subtracted from the others.
        quality: Quality of an exact measurement.
        depth: Number of processes in which it was timed.
    """

    rows: list[dict[str, Any]] = field(default_factory=list)
    right: int = 0
    total: int = 0
    seconds: list[float] = field(default_factory=list)
    wrong: list[WrongAnswer] = field(default_factory=list)
    fault: BoxFault | None = None
    fault_question: bytes | None = None
    usage: Usage | None = None
    clock: str = "cpu"
    latency: list[float] = field(default_factory=list)
    reference_latency: list[float] = field(default_factory=list)
    block: int = 0
    samples: dict[int, list[float]] = field(default_factory=dict)
    statistic: Callable[[Sequence[float]], float] = min
    null_seconds: float = 0.0
    quality: Quality | None = None
    depth: int = 0


def upper_seconds(times: Sequence[float]) -> float:
    """The median of times over several processes, or their 80 % quantile if that is `SLOW` times their 20 % quantile.

    A candidate that is slow in some processes, or on some inputs, is as slow as there; what equal code differs by is
    less.
    """
    ordered = sorted(times)
    low, high = (ordered[round(share * (len(ordered) - 1))] for share in (0.2, 0.8))
    return high if high > SLOW * low + GRACE_SECONDS else statistics.median(ordered)


async def make_workloads(questions: Questions) -> tuple[Workload, ...]:
    """The timed inputs of one tool in this run; empty if the oracle has no `workload`.

    Raises:
        SpecError: if `workload` or the reference fails.
    """
    oracle = questions.oracle
    if oracle is None or not oracle.defines("workload"):
        return ()
    smallest = questions.tool.spec.workload_size
    await _make(questions, oracle, smallest, repeats=1)  # the first call fills caches and runs lazy imports
    # No input is timed twice, so that a candidate that is slow on some inputs has more chances to meet one.
    counts = [PROCESSES if number < SMALL else REPEATS for number in range(len(FACTORS))]
    pairs = zip(FACTORS, counts, strict=True)
    return tuple([await _make(questions, oracle, smallest * factor, repeats=count) for factor, count in pairs])


async def _make(questions: Questions, oracle: Oracle, size: int, *, repeats: int) -> Workload:
    made: list[Question] = []
    times: list[float] = []
    for repeat in range(repeats):
        key = await workload_key(questions, oracle, size, repeat)
        timed = await oracle.reply(key)
        made.append(Question("workload", key, timed.reply))
        times.append(timed.cpu_seconds)
    return Workload(size, tuple(made), max(MIN_SECONDS, min(times)))


async def workload_key(questions: Questions, oracle: Oracle, size: int, *parts: object) -> bytes:
    """Encoded keyword arguments of one size, made by the oracle's `workload`; `parts` select one of many inputs.

    Raises:
        SpecError: if `workload` fails, or its result does not match the signature.
    """
    key = await oracle.workload(size, derive_seed(questions.seed, "workload", size, *parts))
    kwargs = decode(key)
    misfit = questions.tool.signature.misfit(kwargs) if isinstance(kwargs, dict) else "it is not a dictionary"
    if misfit:
        where = position(questions.tool.oracle or questions.tool.path)
        raise SpecError(f"workload() does not match the signature: {misfit}", where=where)
    return key


@dataclass(frozen=True, slots=True)
class NullCall:
    """Wall and CPU seconds of a question to a function that does nothing."""

    seconds: float
    cpu_seconds: float


_NULLS: weakref.WeakKeyDictionary[Any, NullCall] = weakref.WeakKeyDictionary()


def null_call(pool: BoxPool) -> NullCall:
    """Measure a question to a function that does nothing, once per pool.

    The minimum of several calls is used: a larger value would subtract disturbances from a candidate's time.
    """
    if pool not in _NULLS:
        try:
            with pool.open(NULL_SOURCE, entry="null", limits=Limits()) as box:
                answers = [box.ask(b"{}") for _ in range(_NULL_CALLS)]
            _NULLS[pool] = NullCall(
                min(answer.seconds for answer in answers), min(answer.cpu_seconds or 0.0 for answer in answers)
            )
        except BoxFault:
            _NULLS[pool] = NullCall(0.0, 0.0)  # nothing is subtracted then, which affects all candidates equally
    return _NULLS[pool]


def growth(rows: Sequence[dict[str, Any]], name: str = "candidate_s") -> float | None:
    """Exponent of a power law fitted to seconds over size by least squares of logarithms; None below three sizes."""
    return None if len(rows) < 3 else _slope([(row["size"], row[name]) for row in rows])


def growth_interval(profile: Profile) -> tuple[float, float] | None:
    """95 % interval of the exponent: a bootstrap over the samples of each size.

    None below three sizes, or where a size has one sample only.

    Each size is represented by the statistic of its row, and the interval reaches the exponent of the rows. For few
    samples the bootstrap distribution is computed exactly, else it is resampled.
    """
    if len(profile.samples) < 3 or min(map(len, profile.samples.values())) < 2:
        return None
    statistic = profile.statistic
    slope = _slope([(size, statistic(times)) for size, times in profile.samples.items()])
    if max(map(len, profile.samples.values())) <= MAX_EXACT_SAMPLES:
        low, high = _exact_interval(profile.samples, statistic)
    else:
        low, high = _resampled_interval(profile.samples, statistic)
    return min(low, slope), max(high, slope)


def _resampled_interval(
    samples: Mapping[int, Sequence[float]], statistic: Callable[[Sequence[float]], float]
) -> tuple[float, float]:
    rng = random.Random(len(samples))  # noqa: S311 - resampling, not a secret
    slopes = sorted(
        _slope([(size, statistic(rng.choices(times, k=len(times)))) for size, times in samples.items()])
        for _ in range(RESAMPLES)
    )
    tail = round(TAIL * (RESAMPLES - 1))
    return slopes[tail], slopes[-1 - tail]


def _exact_interval(
    samples: Mapping[int, Sequence[float]], statistic: Callable[[Sequence[float]], float]
) -> tuple[float, float]:
    """The ends of all slopes that resampling can give, each with its probability.

    The slope is linear in the logarithms of the times, so it is a sum with one independent term for each size.
    """
    xs = [math.log(size) for size in samples]
    mean = statistics.fmean(xs)
    spread = sum((x - mean) ** 2 for x in xs)
    slopes = [(0.0, 1.0)]
    for x, times in zip(xs, samples.values(), strict=True):
        terms = [
            ((x - mean) / spread * math.log(max(MIN_SECONDS, seconds)), probability)
            for seconds, probability in _resampled(times, statistic).items()
        ]
        slopes = [(slope + term, p * q) for slope, p in slopes for term, q in terms]
    slopes.sort()
    return _reached(slopes), _reached(slopes[::-1])


def _resampled(times: Sequence[float], statistic: Callable[[Sequence[float]], float]) -> dict[float, float]:
    """The probability of each value of a statistic of as many values, chosen with replacement, as there are samples."""
    found = defaultdict[float, float](float)
    for drawn, probability in _draws(len(times)):
        found[statistic([times[one] for one in drawn])] += probability
    return found


@cache
def _draws(count: int) -> list[tuple[tuple[int, ...], float]]:
    """Each set of `count` choices from `count` samples, as indices, with its probability."""
    return [
        (drawn, math.factorial(count) / math.prod(map(math.factorial, Counter(drawn).values())) / count**count)
        for drawn in combinations_with_replacement(range(count), count)
    ]


def _reached(slopes: Sequence[tuple[float, float]]) -> float:
    """The first slope at which the probability of a tail is used up."""
    totals = accumulate(probability for _, probability in slopes)
    return next(slope for (slope, _), total in zip(slopes, totals, strict=True) if total >= TAIL)


def _slope(points: Sequence[tuple[int, float]]) -> float:
    xs = [math.log(size) for size, _ in points]
    ys = [math.log(max(MIN_SECONDS, seconds)) for _, seconds in points]
    return statistics.linear_regression(xs, ys).slope
