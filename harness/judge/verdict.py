"""Verdict: what a `JudgePool` says about one candidate."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property

from pydantic_core import from_json

from harness.core.evaluation import Evaluation
from harness.core.evidence import Evidence
from harness.core.score import Score
from harness.core.status import Status

UNDECIDED = (Status.INFRA, Status.NOISY, Status.REVIEW, Status.SKIPPED)
"""Statuses that say nothing about the candidate."""
BRIEF = ("questions", "public_why")  # facts of which a verdict tells


@dataclass(frozen=True)
class Verdict:
    """The verdict on one candidate.

    Attributes:
        evaluation: The case, its evidence and its score, as the ledger stores them.
    """

    evaluation: Evaluation

    @property
    def _brief(self) -> Evaluation:
        """What the other properties are read from: status, reason, score, and the facts that `BRIEF` names."""
        return self.evaluation

    @property
    def status(self) -> Status:
        """ok, wrong, timeout, …; see `Status`."""
        return self._brief.status

    @property
    def passed(self) -> bool:
        """Whether the status is ok and every gate passes."""
        return self._brief.passed

    @property
    def score(self) -> float | None:
        """The score between 0 and 1; None if the candidate was not judged."""
        return self._brief.score.total

    @property
    def reward(self) -> float | None:
        """1.0 if it passed, else 0.0; None where the status says nothing about the candidate (`infra`, `noisy`, …)."""
        if self.status in UNDECIDED:
            return None
        return 1.0 if self.passed else 0.0

    @property
    def graded(self) -> float | None:
        """`reward`, but for a wrong candidate half the share of its right answers, which is always below 0.5.

        Only answers count: documentation, style and time never pay a wrong candidate. The share is of all questions
        where the candidate was judged with `graded=True`; elsewhere the questions end with the first wrong answer.
        """
        asked = self._brief.evidence.facts.get("questions")
        if self.status is not Status.WRONG or not isinstance(asked, dict) or not asked.get("total"):
            return self.reward
        right, total = int(asked["right"]), int(asked["total"])
        return min(right, total - 1) / total / 2

    @property
    def why(self) -> str:
        """One sentence: the reason of the status, of the first gate that fails, or of the score."""
        return self._brief.why

    @property
    def feedback(self) -> str:
        """What may be reported to its author: the status and its reason, unless the reason names a hidden input.

        A wrong answer to one of the tool's own test cases is shown.
        """
        evidence = self._brief.evidence
        if self.passed:
            return f"{self.status}: it passed"
        if self.status in (Status.WRONG, Status.FLAKY):
            return f"{self.status}: {evidence.facts.get('public_why', 'an answer to a hidden input is not right')}"
        return f"{self.status}: {self.why.partition(', asked ')[0]}"


class StoredVerdict(Verdict):
    """A verdict as the JSON that a judge wrote; an evaluation is five times as large, and read when it is asked for."""

    text: str

    def __init__(self, text: str) -> None:
        vars(self)["text"] = text  # the class is frozen

    @cached_property
    def evaluation(self) -> Evaluation:
        """The evaluation."""
        return Evaluation.model_validate_json(self.text)

    @cached_property
    def _brief(self) -> Evaluation:
        """Read without the case, the attempts and the exhibits, which most callers never ask for."""
        try:
            wire = from_json(self.text)  # twice as fast as `json`
        except ValueError:  # it refuses lone surrogates
            wire = json.loads(self.text)
        found = wire["evidence"]
        facts = {name: fact for name, fact in found["facts"].items() if name in BRIEF}
        # Their own validators: `model_construct` looks at the default of each field, which takes four times as long.
        evidence = Evidence(status=Status(found["status"]), why=found["why"], facts=facts)
        score = Score.model_validate(wire["score"])
        return Evaluation.model_construct(evidence=evidence, score=score)  # type: ignore[call-arg]
