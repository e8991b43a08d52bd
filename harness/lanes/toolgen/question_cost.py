"""Cost of the ordinary questions: the time that candidate and reference need for each of them.

Without this check a candidate would only have to be fast on the workloads, which it can recognise by their size.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import Any

from harness.core.stats import median_interval
from harness.lanes.toolgen.outcome import Outcome
from harness.lanes.toolgen.performance import GRACE_SECONDS, SLOW, SLOW_SHARE, NullCall, Profile, upper_seconds
from harness.lanes.toolgen.questions import Questions


def ordinary_costs(questions: Questions, outcomes: Sequence[Outcome], null: NullCall) -> dict[str, Any] | None:
    """CPU microseconds of each question: the minimum over the attempts, minus a null call.

    The attempts ask in different orders, so a one-time cost (a lazy import) falls on different questions. An attempt
    that was slow as a whole counts instead of the minimum; if many calls of all attempts were slow, the maximum does
    (`_slowness`). If the candidate gives up its core during its calls, the mean time that it waits is added.

    Returns:
        `clock`, and `candidate_us` and `reference_us` in question order, and `waits_us`, the median wait of a candidate
        that waits; None if no question can be compared.
    """
    clock = "wall" if any(outcome.clock == "wall" for outcome in outcomes) else "cpu"
    asking = null.seconds if clock == "wall" else null.cpu_seconds
    waits = clock == "cpu" and any(outcome.waits for outcome in outcomes)
    is_often_slow, slow = _slowness([outcome for outcome in outcomes if outcome.costs])
    usual = max if is_often_slow else min
    pairs: list[tuple[float, float]] = []
    idle: list[float] = []
    for number, question in enumerate(questions.shared):
        found = [outcome for outcome in outcomes if number in outcome.costs]
        if found and question.reference_seconds is not None:
            idle.append(_mean_wait(number, found, null) if waits else 0.0)
            counted = [outcome for outcome in found if outcome is slow] or found
            seconds = usual(outcome.costs[number] for outcome in counted) - asking
            pairs.append((seconds + idle[-1], question.reference_seconds))
    fact = _fact(clock, pairs)
    return fact if fact is None or not waits else fact | {"waits_us": round(statistics.median(idle) * 1e6, 1)}


def _slowness(timed: Sequence[Outcome]) -> tuple[bool, Outcome | None]:
    """Whether calls of all attempts were often slow; else the attempt that was slow as a whole, if there is one.

    Often: `SLOW_SHARE` of all calls took `SLOW` times as long as the quickest of their question, or all calls together
    did. Few calls can take most of the time: a candidate that is slow half of the time has few slow calls, because they
    are long. The slowest call of each attempt is left out of that, for one-time costs.

    As a whole: by the largest factor, if it exceeds `SLOW`. It is the 80 % quantile over the attempt's questions, each
    with `GRACE_SECONDS` added to both sides: no single question, a lazy import for example, makes a process slow. The
    costs of equal code differ by up to 1.25.

    Args:
        timed: The attempts with costs; one alone is compared with nothing.
    """
    if len(timed) < 2:
        return False, None
    least: dict[int, float] = {}
    for one in timed:
        for number, seconds in one.costs.items():
            least[number] = min(seconds, least.get(number, math.inf))
    # For each attempt its times as multiples of the quickest ones.
    factors = [
        sorted((seconds + GRACE_SECONDS) / (least[number] + GRACE_SECONDS) for number, seconds in one.costs.items())
        for one in timed
    ]
    calls = [factor > SLOW for one in factors for factor in one]
    more = [sorted(seconds - least[number] for number, seconds in one.costs.items())[:-1] for one in timed]
    usual = sum(least[number] + GRACE_SECONDS for one in timed for number in one.costs)
    if sum(calls) >= SLOW_SHARE * len(calls) or sum(map(sum, more)) > (SLOW - 1) * usual:
        return True, None
    factor, slowest = max(
        ((one[int(0.8 * (len(one) - 1))], outcome) for outcome, one in zip(timed, factors, strict=True)),
        key=lambda one: one[0],
    )
    return False, slowest if factor > SLOW else None


def _mean_wait(number: int, outcomes: Sequence[Outcome], null: NullCall) -> float:
    """Mean wait of a question in seconds. Unlike a CPU time, a wait may be random, so the minimum says little."""
    free = null.seconds - null.cpu_seconds
    return statistics.fmean(
        max(0.0, outcome.idle.get(number, 0.0) - free) if outcome.waits else 0.0 for outcome in outcomes
    )


def exact_costs(profile: Profile) -> dict[str, Any] | None:
    """The same in wall time, from an exact measurement: for each question `upper_seconds` over the boxes."""
    block = profile.block
    if not block or len(profile.latency) != len(profile.reference_latency):
        return None
    # The first question of a box fills caches and runs lazy imports, so it is left out.
    return _fact(
        "wall",
        [
            (upper_seconds(profile.latency[number::block]), statistics.median(profile.reference_latency[number::block]))
            for number in range(1, min(block, len(profile.latency)))
        ],
    )


def _fact(clock: str, pairs: Sequence[tuple[float, float]]) -> dict[str, Any] | None:
    if not pairs:
        return None
    return {
        "clock": clock,
        "candidate_us": [round(max(0.0, candidate) * 1e6, 1) for candidate, _ in pairs],
        "reference_us": [round(max(0.0, reference) * 1e6, 1) for _, reference in pairs],
    }


def median_ms(profile: Profile | None, outcomes: Sequence[Outcome], null: float) -> float | None:
    """Median milliseconds of an ordinary call; None if none was timed, or not well enough.

    Args:
        profile: The profile; if it was measured exactly, its calls count.
        null: Seconds of a null call.
    """
    if profile is not None and profile.quality is not None:
        noisy = profile.quality.noisy or not profile.latency
        return None if noisy else statistics.median(profile.latency) * 1e3
    seconds = [one for outcome in outcomes for one in outcome.seconds]
    return max(0.0, statistics.median(seconds) - null) * 1e3 if seconds else None


def median_interval_ms(profile: Profile | None, outcomes: Sequence[Outcome], null: float) -> tuple[float, float] | None:
    """The 95 % interval of `median_ms`; processes are resampled, since they vary more than their calls."""
    if profile is not None and profile.quality is not None:
        block = profile.block or 1
        groups = [profile.latency[start : start + block] for start in range(0, len(profile.latency), block)]
        groups = [] if profile.quality.noisy else groups
    else:
        groups = [[max(0.0, one - null) for one in outcome.seconds] for outcome in outcomes]
    found = median_interval(groups)
    return None if found is None else (found[0] * 1e3, found[1] * 1e3)
