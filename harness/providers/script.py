"""ScriptProvider: prepared answers by id, by label or in order; for tests and demonstrations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.providers.fault import ProviderError
from harness.providers.question import Question, Reply


class ScriptProvider:
    """Answers from prepared strings.

    Args:
        by_name: Answers by question id, label, or last part of a label.
        in_order: Answers to all other questions, in the order in which they are asked.
    """

    name = "script"

    def __init__(self, by_name: Mapping[str, str] | None = None, *, in_order: Sequence[str] = ()) -> None:
        self._by_name, self._rest = dict(by_name or {}), list(in_order)

    def answer(self, question: Question) -> Reply | None:
        """The prepared answer.

        Raises:
            ProviderError: if no answer was prepared.
        """
        for name in (question.id, question.label, question.label.rpartition("/")[2]):
            if name in self._by_name:
                return Reply(text=self._by_name[name], provider=self.name)
        if self._rest:
            return Reply(text=self._rest.pop(0), provider=self.name)
        what = f"the script has no answer to question {question.id} ({question.label})"
        raise ProviderError(what, fix="add one by its id or label", status="protocol")
