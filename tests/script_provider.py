"""ScriptProvider: answers questions with prepared strings."""

from __future__ import annotations

from collections.abc import Sequence

from harness.providers.fault import ProviderError
from harness.providers.question import Question, Reply


class ScriptProvider:
    """Answers with prepared strings, in the order in which questions are asked."""

    name = "script"

    def __init__(self, *, in_order: Sequence[str]) -> None:
        self._rest = list(in_order)

    def answer(self, question: Question) -> Reply | None:
        if not self._rest:
            raise ProviderError(
                f"the script has no answer to question {question.id} ({question.label})", status="protocol"
            )
        return Reply(text=self._rest.pop(0), provider=self.name)
