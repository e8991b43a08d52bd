"""Evidence: what was observed. Never an opinion: judging it is `score`'s business."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import Field, NonNegativeInt, model_validator

from harness.core.frozen import Frozen
from harness.core.paired import Comparison
from harness.core.status import Status
from harness.core.tier import Tier

Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Unit = Annotated[float, Field(ge=0, le=1)]


class Counterexample(Frozen):
    """The first question that was answered wrongly, as canonical JSON texts (clipped)."""

    question: str
    expected: str
    observed: str


class Attempt(Frozen):
    """One seeded repetition."""

    index: NonNegativeInt
    round: NonNegativeInt = 0
    """Attempts of one round were asked the same; a confirmation is a round of its own."""
    seed: NonNegativeInt
    hash_seed: NonNegativeInt | None = None
    status: Status
    why: str = ""
    answers: str = ""
    """Digest of all answers in the order of the questions: two attempts agree when status and answers do."""
    seconds: Amount = 0.0
    cpu_ms: Amount | None = None
    peak_mb: Amount | None = None


class Evidence(Frozen):
    """All that was seen while one case was evaluated."""

    status: Status
    why: str = ""
    """One sentence; empty only for `ok`."""
    counterexample: Counterexample | None = None
    attempts: tuple[Attempt, ...] = ()
    facts: dict[str, Any] = {}
    """The lane's own observations, JSON only; each lane documents its names."""
    median_ms: Amount | None = None
    """Median wall milliseconds of a call, from the parent's clock; None when it was not measured."""
    median_interval_ms: tuple[Amount, Amount] | None = None
    """95 % interval of that median; None when it is not known how much it varies."""
    comparisons: tuple[Comparison, ...] = ()
    """The subject beside rivals, by paired timing."""
    peak_mb: Amount | None = None
    """Peak memory in MiB above the empty box."""
    peak_is_lower_bound: bool = False
    limits_hit: tuple[str, ...] = ()
    tier: Tier | None = None
    """None when no box was involved."""
    environment: dict[str, str] = {}
    seconds: Amount = 0.0

    @model_validator(mode="after")
    def _a_failure_says_why(self) -> Self:
        if self.status is not Status.OK and not self.why:
            msg = f"evidence with status {self.status} must say why"
            raise ValueError(msg)
        return self

    @property
    def stable(self) -> bool:
        """Whether all attempts that were asked the same agree, in verdict and in answers."""
        outcomes = {(a.round, a.status, a.answers) for a in self.attempts}
        return len(outcomes) == len({a.round for a in self.attempts})

    @property
    def stability(self) -> float:
        """1.0 if all attempts agree, else 0.5 (the tournament's scale); the bound on a hidden flake is a statistic."""
        return 1.0 if self.stable else 0.5
