"""Trial: one proposal of a search. All that a search decides follows from its trials in the order of their numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

PROPOSED = "proposed"  # the stage of a trial that was not judged yet


@dataclass(frozen=True, slots=True)
class Trial:
    """One proposal.

    Attributes:
        number: Its number in the experiment, from 0; the order of all decisions.
        suite: The name of what it is judged by; for tools the tool id.
        digest: Digest of its bytes; the source is kept under it.
        normal_form: Digest of what it is apart from spelling: for a tool its syntax tree without names of local
            variables, comments and positions, for a grammar the patch that made it.
        parents: Digests of the trials that it was made from; the first gave most of its text.
        stage: The last stage that it reached; `proposed` until it is judged.
        status: The status of its verdict; empty until it is judged.
        score: Its score; None where it was not scored.
        passed: Whether its verdict passed; None until it is judged.
        run_id: The run whose evaluation is its verdict; empty where none is stored.
        verdict: Measures of the verdict, JSON only.
        seconds: Seconds of judging it.
    """

    number: int
    generation: int
    epoch: int
    suite: str
    digest: str
    island: int = 0
    normal_form: str = ""
    parents: tuple[str, ...] = ()
    operator: str = ""
    stage: str = PROPOSED
    status: str = ""
    score: float | None = None
    passed: bool | None = None
    run_id: str = ""
    verdict: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def name(self) -> str:
        """Number and operator of the trial that brought its bytes, which of an owner judged again is an earlier one."""
        return str(self.verdict.get("brought_by") or f"{self.number}-{self.operator}")

    @property
    def is_judged(self) -> bool:
        """Whether it has a result."""
        return self.stage != PROPOSED


def changed(trial: Trial, **values: Any) -> Trial:
    """The trial with other values."""
    return replace(trial, **values)
