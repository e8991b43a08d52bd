"""Evaluation: a case with its evidence and its score under a policy. One row of the ledger."""

from __future__ import annotations

import json
from typing import NamedTuple, Self

from pydantic_core import PydanticSerializationError

from harness.core.case import Case
from harness.core.evidence import Evidence
from harness.core.frozen import Frozen
from harness.core.score import Score
from harness.core.status import Status

OK, NOISY, SKIPPED = Status.OK, Status.NOISY, Status.SKIPPED  # Python 3.11 computes a member at each access by class
UNDECIDED = frozenset({Status.REVIEW, Status.NOISY})


class Evaluation(Frozen):
    """The verdict on one case, with its evidence and score."""

    case: Case
    evidence: Evidence
    score: Score

    @property
    def status(self) -> Status:
        """The status: `noisy` where a measurement that is too noisy decides whether all gates pass."""
        status = self.evidence.status
        return NOISY if status is OK and self.score.gates and self.score.undecided else status

    @property
    def passed(self) -> bool:
        """Whether the status is ok and every gate passes, whatever the suite expects."""
        return self.status is OK and self.score.gates_pass

    @property
    def as_expected(self) -> bool:
        """Whether the suite is satisfied: for a control (`expect`) by its expected status, else by `passed`."""
        expect = self.case.policy.expect
        return self.passed if expect is None else self.status is expect

    @property
    def neutral(self) -> bool:
        """Whether it neither passed nor failed: skipped, or `review`/`noisy` without `require`."""
        status = self.status
        if status is OK:
            return False
        if status is SKIPPED:
            return "gpu" not in self.case.policy.require or "gpu" not in self.case.markers
        if self.case.policy.expect is not None:
            return False
        return status in UNDECIDED and status not in self.case.policy.require

    @property
    def why(self) -> str:
        """One sentence: the reason of the status, else of the first gate that fails, else the score's explanation."""
        if self.evidence.status is not OK:
            return self.evidence.why
        return self.score.failed[0].why if self.score.failed else self.score.explanation


class SerialisedEvaluation(NamedTuple):
    """An evaluation with its JSON string, which is made once: report, journal and ledger use the same string."""

    evaluation: Evaluation
    text: str

    @classmethod
    def of(cls, evaluation: Evaluation) -> Self:
        """Serialise an evaluation, also one with lone surrogates (they become ASCII escapes)."""
        try:
            # Three times as fast as going through builtins, but it refuses lone surrogates.
            text = evaluation.model_dump_json()
        except PydanticSerializationError:
            text = json.dumps(evaluation.to_wire(), separators=(",", ":"))
        return cls(evaluation, text)

    @classmethod
    def parse(cls, text: str) -> Self:
        """The evaluation that a worker serialised."""
        return cls(Evaluation.model_validate_json(text), text)
