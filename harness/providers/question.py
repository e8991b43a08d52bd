"""Question and Reply: what a provider is asked and what it says."""

from __future__ import annotations

from typing import Any, Protocol

from harness.core.frozen import Frozen


class Question(Frozen):
    """One question, complete: whoever answers it needs to know nothing else."""

    id: str
    """Bound to its place and wording; an answer names it."""
    prompt: str
    """Rendered."""
    role: str = ""
    """Who is to answer, in the words of whoever asks: the system prompt of a model."""
    answer_schema: dict[str, Any] = {}
    """JSON Schema of the answer; `{"type": "string"}` and `{}` take any text."""
    label: str = ""
    """Where it is asked from."""
    to: str = "llm"
    """`llm`, or `human` for a question that no model may answer."""
    parameters: dict[str, Any] = {}
    """`model`, `temperature`, `max_tokens`, `seed` ... as far as the provider knows them."""
    occurrence: int = 0
    """The how-manieth equal question it is, from 1; 0 where whoever asks does not count."""

    @property
    def structured(self) -> bool:
        """Whether more than a text is expected."""
        return bool(self.answer_schema) and self.answer_schema.get("type") != "string"


class Reply(Frozen):
    """An answer with where it comes from."""

    text: str
    """What was said; JSON text where the question has a schema of more than a text."""
    provider: str
    """`file`, `script`, `person`, `cassette`, `ollama`, `openai` or `command`."""
    model: str = ""
    """The model, as the server names it."""
    source: str = ""
    """Anything more about who said so."""
    tokens: int = 0
    """Prompt and answer together, as the server counts; 0 where it does not."""
    attempts: int = 1
    """How often it had to be asked."""
    seconds: float = 0.0
    """How long it took; never part of anything that must be the same twice."""

    @property
    def provenance(self) -> dict[str, Any]:
        """What belongs into a trace: nothing that differs between two equal answers."""
        found = {"provider": self.provider, "model": self.model, "source": self.source}
        return {name: value for name, value in found.items() if value}


class Provider(Protocol):
    """Answers questions."""

    name: str

    def answer(self, question: Question) -> Reply | None:
        """The answer; None if there is none now and asking again later may help: whoever asks stops and waits.

        Raises:
            ProviderError: if no answer can be had although one should be there.
        """
        ...
