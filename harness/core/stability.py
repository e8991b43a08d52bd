"""Stability: the bound on the failure probability of a subject that its attempts prove (docs/stability.md)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.core.stats import flake_bound
from harness.core.status import Status, first_of

if TYPE_CHECKING:
    from harness.core.evidence import Evidence

EVERYONE, FIRST_TEN, FIRST_THREE, ON_REQUEST = 3, 20, 59, 299
RUNGS = (EVERYONE, FIRST_TEN, FIRST_THREE, ON_REQUEST)
"""Attempts of the ladder: they bound p to 64 %, 14 %, 5 % and 1 % at 95 %."""
MIN_HASH_SEEDS = 14
"""Hash seeds that first place needs: a subject that fails for one in four passes 14 with probability 1.8 %."""
FACT = "confirmation"  # the fact that lists the rounds of fresh attempts


@dataclass(frozen=True, slots=True)
class Stability:
    """The agreement of the attempts on one subject, and the bound that follows from it.

    Attributes:
        flaky: Whether the attempts disagree.
        hash_seeds: Number of distinct hash seeds; None where attempts have no hash seed.
        rounds: Number of input sets: 1 for the run's own, one more for each confirmation.
        bound: Upper bound of the failure probability at 95 %, from 0 to 1; 1 if the attempts disagree.
    """

    flaky: bool
    attempts: int
    hash_seeds: int | None
    rounds: int
    bound: float

    @property
    def rung(self) -> int:
        """The highest rung of the ladder that the attempts reach; 0 below the first."""
        return max((rung for rung in RUNGS if rung <= self.attempts), default=0)

    @property
    def confirmed(self) -> bool:
        """Whether it was judged again on fresh inputs, with enough hash seeds for first place."""
        enough = self.attempts if self.hash_seeds is None else self.hash_seeds
        return self.rounds > 1 and not self.flaky and enough >= MIN_HASH_SEEDS

    @property
    def text(self) -> str:
        """`flaky`, or the bound, with the number of attempts and hash seeds."""
        seeds = "" if self.hash_seeds is None else f", {counted(self.hash_seeds, 'hash seed')}"
        made = f"({counted(self.attempts, 'attempt')}{seeds})"
        return f"flaky {made}" if self.flaky else f"stable: p < {percent(self.bound)} at 95 % {made}"


def stability_of(evidence: Evidence) -> Stability | None:
    """The stability that the attempts prove; None without attempts."""
    if not evidence.attempts:
        return None
    seeds = {attempt.hash_seed for attempt in evidence.attempts} - {None}
    flaky = evidence.status is Status.FLAKY or not evidence.stable
    return Stability(
        flaky=flaky,
        attempts=len(evidence.attempts),
        hash_seeds=len(seeds) or None,
        rounds=len({attempt.round for attempt in evidence.attempts}),
        bound=1.0 if flaky else flake_bound(len(evidence.attempts)),
    )


def add_round(first: Evidence, fresh: Evidence, *, adopt: bool, note: dict[str, Any]) -> Evidence:
    """Merge two evidences of the same subject from different inputs.

    Args:
        adopt: Whether the fresh observations replace the first if both have the same status; otherwise the
            observations of the worse status are kept.
        note: JSON values for this round, stored in the fact `confirmation`.
    """
    status = first_of((first.status, fresh.status))
    base = fresh if status is not first.status or (adopt and status is fresh.status) else first
    count = len(first.attempts)
    number = max((attempt.round for attempt in first.attempts), default=0) + 1
    added = [
        attempt.model_copy(update={"index": count + place, "round": number})
        for place, attempt in enumerate(fresh.attempts)
    ]
    why = base.why
    if base is fresh and status is not first.status:
        why = f"on fresh inputs, attempts {count + 1} to {count + len(added)}: {why}"
    rounds = [*first.facts.get(FACT, ()), {"attempts": len(added), "status": fresh.status.value, **note}]
    return base.model_copy(
        update={
            "why": why,
            "attempts": (*first.attempts, *added),
            "comparisons": fresh.comparisons if base is fresh and fresh.comparisons else first.comparisons,
            "facts": {**base.facts, FACT: rounds},
            "seconds": first.seconds + fresh.seconds,
        }
    )


def percent(bound: float) -> str:
    """A bound in percent with two digits, rounded up, so that the rounded bound is also valid."""
    value = bound * 100
    if value <= 0:
        return "0 %"
    step = 10.0 ** (math.floor(math.log10(value)) - 1)
    return f"{round(math.ceil(value / step - 1e-9) * step, 6):g} %"


def counted(number: int, noun: str) -> str:
    """A number with its noun, plural where needed: `1 attempt`, `2 attempts`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
