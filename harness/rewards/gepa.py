"""GEPA: the judge as an evaluator of `optimize_anything`, for one candidate and for many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.core.errors import UsageError
from harness.judge.pool import Tools
from harness.rewards.checked_judge import Judged, Pool
from harness.rewards.fitness import fitness_of
from harness.rewards.reward import reward_for

Scored = tuple[float, dict[str, Any]]


class Evaluator:
    """Scores candidates: `optimize_anything(evaluator=e, batch_evaluator=e.batch)`.

    The score is `fitness_of`; the information has status and feedback, never a hidden input.

    Args:
        tool: As for `reward_for`.
        key: Which text of a candidate of several is the source.
        options: As for `reward_for`.
    """

    def __init__(self, tool: Tools | Pool, *, key: str | None = None, **options: Any) -> None:
        self.reward = reward_for(tool, "graded", **options)
        self._key = key

    def __call__(self, candidate: str | Mapping[str, str], example: object = None) -> Scored:
        """The score of a candidate and what may be reported to its author.

        Args:
            candidate: The source, or texts by name.
            example: Where the evaluator has several tools: the name of one, or a mapping with it as `tool`.

        Raises:
            InfraError: if the verdict says nothing about the candidate.
            TypeError: if the source is not text.
            UsageError: if a candidate of several texts does not say which is the source.
        """
        return self.batch([(candidate, example)])[0]

    def batch(self, pairs: Sequence[tuple[str | Mapping[str, str], object]]) -> list[Scored]:
        """The scores of many candidates with their examples, in their order; see a call."""
        sources = [self._source(candidate) for candidate, _ in pairs]
        tools = [_tool_of(example) for _, example in pairs]
        return [self._scored(verdict) for verdict in self.reward.verdicts(sources, tools)]

    def close(self) -> None:
        """End the judge processes."""
        self.reward.close()

    def _source(self, candidate: str | Mapping[str, str]) -> str:
        if not isinstance(candidate, Mapping):
            return candidate  # what is not text is refused by the reward
        if self._key is None and len(candidate) == 1:
            return next(iter(candidate.values()))
        if self._key is None or self._key not in candidate:
            raise UsageError(f"the candidate has the texts {', '.join(candidate)}", fix="name the source: key=...")
        return candidate[self._key]

    def _scored(self, verdict: Judged) -> Scored:
        information = {"status": str(verdict.status), "feedback": verdict.feedback}
        return fitness_of(verdict, self.reward), information


def _tool_of(example: object) -> str | None:
    if isinstance(example, Mapping):
        example = example.get("tool")
    return example if isinstance(example, str) else None
