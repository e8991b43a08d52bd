"""Evidence: what was observed while a case was evaluated. Scoring it is left to `Lane.score`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, NonNegativeInt, ValidationError, model_validator

from harness.core.exhibit import Exhibit, within_limit
from harness.core.frozen import Frozen
from harness.core.paired import Comparison
from harness.core.quality import Amount, Quality
from harness.core.status import Status
from harness.core.tier import Tier

Unit = Annotated[float, Field(ge=0, le=1)]
OK = Status.OK  # Python 3.11 computes a member at each access through its class


NOT_REUSED = frozenset({Status.INFRA, Status.SKIPPED, Status.NOISY})
"""Statuses that are not reused: the next run evaluates such a case again."""
REUSED_IF_EXPECTED = frozenset({Status.REVIEW, Status.FLAKY})
"""Statuses that are reused in a control that must have them; of other cases, the next run may find out more."""


class Counterexample(Frozen):
    """The first question that was answered wrongly, as clipped text; a tool's values are JSON or Python literals."""

    question: str
    expected: str
    observed: str


class Attempt(Frozen):
    """One seeded repetition: its seeds, status, digest of its answers, and resources."""

    index: NonNegativeInt
    round: NonNegativeInt = 0
    """Attempts of one round answer the same questions; each confirmation is a round."""
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
    """All observations of one case.

    Impossible combinations are refused: `fault` without status `infra`; `reused` with a status that a later run
    evaluates again (`infra`, `skipped`, `noisy`); `unconfirmed` without attempts.
    """

    status: Status
    why: str = ""
    """One sentence; empty only for `ok`."""
    counterexample: Counterexample | None = None
    attempts: tuple[Attempt, ...] = ()
    facts: dict[str, Any] = Field(default_factory=dict)
    """The lane's own observations, JSON only; each lane documents its names."""
    finalist: bool = True
    """False for a case that must not be repeated, because its effects would happen again: it is never confirmed."""
    notices: tuple[str, ...] = ()
    """Sentences that the summary of the run shows once."""
    quality: Quality | None = None
    """The conditions of the measurement; None where no wall time was measured."""
    fault: Literal["", "trusted file"] = ""
    """Who is at fault where the status is `infra`: a trusted file of the user (oracle, grammar), else Crucible."""
    reused: str = ""
    """The run that gathered this evidence; empty where the current run did."""
    unconfirmed: str = ""
    """Why a confirmation gave no verdict; empty where it gave one, or was not tried."""
    median_ms: Amount | None = None
    """Median wall milliseconds of a call, by the parent's clock; None when it was not measured."""
    median_interval_ms: tuple[Amount, Amount] | None = None
    """95 % interval of `median_ms`; None when its variation is not known."""
    comparisons: tuple[Comparison, ...] = ()
    """The subject against its opponents, by paired timing."""
    peak_mb: Amount | None = None
    """Peak memory in MiB above the empty box."""
    peak_is_lower_bound: bool = False
    limits_hit: tuple[str, ...] = ()
    tier: Tier | None = None
    """None when no box was involved."""
    environment: dict[str, str] = Field(default_factory=dict)
    exhibits: Annotated[tuple[Exhibit, ...], AfterValidator(within_limit)] = ()
    """What the report shows in addition to the fields above: `harness.core.exhibit_kinds` packs them."""
    seconds: Amount = 0.0

    @model_validator(mode="before")
    @classmethod
    def _lift_facts(cls, value: Any) -> Any:
        """Read records of earlier versions, which keep these fields in `facts`."""
        facts = value.get("facts") if isinstance(value, dict) else None
        if not isinstance(facts, dict) or not _LIFTED.keys() & facts.keys():
            return value
        lifted = {name: lift(facts[name]) for name, lift in _LIFTED.items() if name in facts and name not in value}
        lifted = {name: found for name, found in lifted.items() if found is not None}
        return {**value, **lifted, "facts": {name: fact for name, fact in facts.items() if name not in lifted}}

    @model_validator(mode="after")
    def _fields_agree(self) -> Self:
        if not self.why and self.status is not OK:
            msg = f"evidence with status {self.status} must say why"
            raise ValueError(msg)
        if self.fault and self.status is not Status.INFRA:
            msg = f"evidence with status {self.status} names a fault, which only `infra` has"
            raise ValueError(msg)
        if self.reused and self.status in NOT_REUSED:
            msg = f"evidence with status {self.status} cannot be reused from run {self.reused}"
            raise ValueError(msg)
        if self.unconfirmed and not self.attempts:
            msg = "evidence without attempts cannot be unconfirmed: there is nothing to confirm"
            raise ValueError(msg)
        return self

    @property
    def stable(self) -> bool:
        """Whether all attempts of a round agree, in status and in answers."""
        outcomes = {(a.round, a.status, a.answers) for a in self.attempts}
        return len(outcomes) == len({a.round for a in self.attempts})

    @property
    def stability(self) -> float:
        """1.0 if all attempts agree, else 0.5 (the scale of the ToolGen tournament)."""
        return 1.0 if self.stable else 0.5


def _lift_quality(fact: Any) -> Quality | None:
    try:
        return Quality.from_wire(fact)
    except ValidationError:
        return None


_LIFTED: dict[str, Callable[[Any], Any]] = {
    "finalist": lambda fact: fact is not False,
    "notices": lambda fact: tuple(map(str, fact)) if isinstance(fact, list | tuple) else None,
    "quality": _lift_quality,
    "fault": lambda fact: fact if fact == "trusted file" else None,
    "reused": lambda fact: fact if isinstance(fact, str) else None,
    "unconfirmed": lambda fact: fact if isinstance(fact, str) else None,
}
"""For each field, how the fact of an earlier version converts; None where a lane uses the name differently."""
