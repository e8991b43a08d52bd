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
    that was slow as a whole counts instead of the minimum (`_slow_process`); if many calls of all attempts were slow,
    the maximum does (`_is_often_slow`). If the candidate gives up its core during its calls, the mean time that it
    waits is added.

    Returns:
        `clock`, and `candidate_us` and `reference_us` in question order, and `waits_us`, the median wait of a candidate
        that waits; None if no question can be compared.
    """
    clock = "wall" if any(outcome.clock == "wall" for outcome in outcomes) else "cpu"
    asking = null.seconds if clock == "wall" else null.cpu_seconds
    waits = clock == "cpu" and any(outcome.waits for outcome in outcomes)
    is_often_slow = _is_often_slow(outcomes)
    slow = None if is_often_slow else _slow_process(outcomes)
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


def _slow_process(outcomes: Sequence[Outcome]) -> Outcome | None:
    """The attempt that was slower than the quickest answers by the largest factor, if that exceeds `SLOW`.

    The factor is the 80 % quantile over its questions, each with `GRACE_SECONDS` added to both sides: no single
    question, a lazy import for example, makes a process slow. The costs of equal code differ by up to 1.25.
    """
    ranked = [(one[int(0.8 * (len(one) - 1))], outcome) for outcome, one in _factors(outcomes)]
    factor, slowest = max(ranked, key=lambda one: one[0], default=(0.0, None))
    return slowest if factor > SLOW else None


def _is_often_slow(outcomes: Sequence[Outcome]) -> bool:
    """Whether `SLOW_SHARE` of all calls took `SLOW` times as long as the quickest of the same question."""
    calls = [factor > SLOW for _, factors in _factors(outcomes) for factor in factors]
    return bool(calls) and sum(calls) >= SLOW_SHARE * len(calls)


def _factors(outcomes: Sequence[Outcome]) -> list[tuple[Outcome, list[float]]]:
    """For each attempt its times as multiples of the quickest ones, sorted."""
    timed = [outcome for outcome in outcomes if outcome.costs]
    least = {number: min(one.costs.get(number, math.inf) for one in timed) for one in timed for number in one.costs}
    found = []
    for one in timed:
        factors = ((seconds + GRACE_SECONDS) / (least[number] + GRACE_SECONDS) for number, seconds in one.costs.items())
        found.append((one, sorted(factors)))
    return found


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
            (
                upper_seconds(profile.latency[number::block]),
                statistics.median(profile.reference_latency[number::block]),
            )
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
        outcomes: The attempts.
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
