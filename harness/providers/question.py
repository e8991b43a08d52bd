"""Question, Reply and Provider: the protocol between a run and whatever answers its questions."""

from __future__ import annotations

from typing import Any, Protocol

from pydantic import Field

from harness.core.digest import digest_text, short
from harness.core.errors import InfraError
from harness.core.frozen import Frozen


class Question(Frozen):
    """One complete question; a provider needs no other context."""

    id: str
    """Identifier derived from the question's place and wording; an answer refers to it."""
    prompt: str
    """The prompt with all parameters substituted."""
    role: str = ""
    """Description of the answering role: the system prompt of a model."""
    answer_schema: dict[str, Any] = {}
    """JSON Schema of the answer; `{"type": "string"}` and `{}` accept any string."""
    label: str = ""
    """The place in the program that asks the question."""
    to: str = "llm"
    """`llm`, or `human` for a question that no model may answer."""
    parameters: dict[str, Any] = {}
    """`model`, `temperature`, `max_tokens`, `seed` and others; a provider ignores those it does not know."""
    occurrence: int = 0
    """1-based number of this question among equal ones; 0 where the caller does not count."""
    timeout_s: float | None = Field(default=None, exclude=True)
    """Limit of the seconds until the answer, retries included; None for the provider's own limit."""

    @property
    def structured(self) -> bool:
        """Whether the answer is a JSON value other than a string."""
        return bool(self.answer_schema) and self.answer_schema.get("type") != "string"


class Reply(Frozen):
    """An answer and its provenance."""

    text: str
    """The answer; JSON text where the question is `structured`."""
    provider: str
    """`file`, `script`, `person`, `cassette`, `ollama`, `openai` or `command`."""
    model: str = ""
    """The model, as the server names it."""
    source: str = ""
    """Further details of the origin, such as a command or a person."""
    tokens: int = 0
    """Tokens of prompt and answer together, as counted by the server; 0 where it does not count."""
    attempts: int = 1
    """Number of requests that were made for the answer."""
    seconds: float = 0.0
    """Wall time of the answer; never part of data that must be reproducible."""

    @property
    def provenance(self) -> dict[str, Any]:
        """The part that a trace records: fields that are the same for equal answers, without empty ones."""
        found = {"provider": self.provider, "model": self.model, "source": self.source}
        return {name: value for name, value in found.items() if value}


class Provider(Protocol):
    """A source of answers: a model, a program, a file or a person.

    A provider whose attribute `answers_several` is true is called from several threads at the same time. One whose
    attribute `is_interactive` is true is called in the main thread, so that a user can interrupt it.
    """

    name: str

    def answer(self, question: Question) -> Reply | None:
        """The answer; None if none is available now, in which case the run suspends and asks again later.

        Raises:
            ProviderError: if the provider fails to answer a question that it should answer.
        """


def ask(provider: Provider, prompt: str, *, role: str, label: str) -> Reply:
    """The reply to a prompt.

    Raises:
        InfraError: if the provider has none now.
    """
    question = Question(id=short(digest_text(prompt)), prompt=prompt, role=role, label=label)
    reply = provider.answer(question)
    if reply is None:
        where = f"{provider.name}, question {question.id}"
        raise InfraError("no answer yet", where=where, fix="answer it and run again")
    return reply
