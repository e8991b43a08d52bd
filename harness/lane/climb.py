"""Climb: a search of one subject by the rules of its lane.

The lane proposes and decides; the loop, the rows, the limits and the money are not its own (docs/evolution.md).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from harness.core.case import Case, Subject
from harness.core.evaluation import Evaluation
from harness.core.evidence import Evidence
from harness.core.frozen import Frozen
from harness.core.trial import Trial
from harness.lane.protocol import Lane
from harness.ledger.store import Ledger
from harness.providers.question import Provider
from harness.sweep.loop import Searched


@dataclass(frozen=True, slots=True)
class ClimbRequest:
    """What a climb is made from.

    Attributes:
        file: The subject: a grammar, a program, a kernel.
        options: An instance of the lane's `climb_options`.
        folder: What paths among the options are relative to.
        provider: Proposes; None for the lane's own proposer.
        operator: Who proposes, for rows.
        ledger: Keeps what a lane measures, other than its trials.
    """

    name: str
    file: Path
    options: Any
    folder: Path
    provider: Provider | None
    operator: str
    ledger: Ledger
    say: Callable[[str], None]


class Climb(Protocol):
    """A search of one subject."""

    @property
    def searched(self) -> Searched:
        """What the loop searches."""

    @property
    def patience(self) -> int | None:
        """Generations without a better best after which none is to be expected; None if the lane does not know."""

    @property
    def best(self) -> str:
        """The digest of the best candidate so far, the start included; empty before there is one."""

    def evaluation(self, trial: Trial) -> Evaluation | None:
        """The evaluation that is the verdict of a trial; None for one that got no full verdict."""

    def describe(self) -> str:
        """One sentence about the best candidate against the start, when the search has ended."""

    def close(self) -> None:
        """Release what it holds."""


@runtime_checkable
class ClimbingLane(Lane, Protocol):
    """A lane that offers climbs."""

    @property
    def climb_options(self) -> type[Frozen]:
        """The model of `options` in an evolve file."""

    def climb(self, request: ClimbRequest) -> Climb:
        """A search of one subject.

        Raises:
            SuiteError: if the subject or an option is wrong.
            UsageError: if the lane has no proposer of its own and none is given.
        """


def evaluation_of(trial: Trial, lane: Lane, evidence: Evidence) -> Evaluation:
    """The evaluation of a trial: its evidence, scored by its lane without a budget."""
    subject = Subject(name=trial.operator, digest=trial.digest, parents=trial.parents)
    case = Case(lane=lane.name, suite=trial.suite, name=trial.digest[:16], subject=subject)
    return Evaluation(case=case, evidence=evidence, score=lane.score(evidence, case.policy))
