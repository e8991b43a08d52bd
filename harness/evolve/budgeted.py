"""Budgeted: a provider of proposals, a model or a command, whose limits are kept before they are reached."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.core.errors import SuiteError
from harness.core.trial import Trial
from harness.evolve.config import Proposer
from harness.lane.breed import MAX_BYTES, Proposal
from harness.providers.completion import code_of
from harness.providers.fault import ProviderError
from harness.providers.question import Provider, Question, Reply


@dataclass(slots=True)
class Budgeted:
    """A provider with limits on calls and tokens that are kept before they are reached.

    Attributes:
        calls: Calls so far, those of earlier processes included.
        tokens: Tokens so far, those of earlier processes included.
        failures: Consecutive calls without a reply.
    """

    settings: Proposer
    provider: Provider
    calls: int = 0
    tokens: int = 0
    failures: int = 0

    @property
    def money(self) -> float:
        """US dollars so far."""
        return self.tokens * self.settings.usd_per_million_tokens / 1e6

    def refusal(self, *, tokens: int | None = None, money: float | None = None) -> str:
        """Why no further call may be made; empty if one may.

        Args:
            tokens: Limit of the whole search on tokens.
            money: Limit of the whole search in US dollars.
        """
        after = self.tokens + self.settings.tokens_per_call
        limits = [limit for limit in (self.settings.max_tokens, tokens) if limit is not None]
        if self.settings.max_calls is not None and self.calls >= self.settings.max_calls:
            return f"the limit of {self.settings.max_calls} calls is reached"
        if limits and after > min(limits):
            return f"a further call may exceed the limit of {min(limits)} tokens"
        if money is not None and after * self.settings.usd_per_million_tokens / 1e6 > money:
            return f"a further call may exceed the limit of {money:g} US dollars"
        if self.failures >= 3:
            return "it failed three times in a row"
        return ""

    @property
    def name(self) -> str:
        """The operator of its proposals."""
        own = self.settings
        return own.kind if own.kind == "command" else f"model:{own.model or own.backend}"

    def answer(self, question: Question) -> Reply | None:
        """The reply of the provider, whose cost counts.

        Raises:
            ProviderError: if it fails.
        """
        self.calls += 1
        self.failures += 1
        reply = self.provider.answer(question)
        if reply is not None:
            self.failures = 0
            # A server that does not count tokens is charged with four characters each.
            self.tokens += reply.tokens or (len(question.prompt) + len(reply.text)) // 4
        return reply

    def propose(
        self, prompt: str, role: str, parents: Sequence[str], *, number: int, seed: int, entry: str
    ) -> Proposal:
        """Ask for one proposal; a failure of the provider is a proposal with a fault."""
        question = Question(
            id=f"trial-{number}",
            prompt=prompt,
            role=role,
            label=f"trial {number}",
            parameters={"max_tokens": self.settings.tokens_per_call, "seed": seed % 2**31},
            occurrence=1,
            timeout_s=self.settings.timeout_s,
        )
        before = self.tokens
        try:
            reply = self.answer(question)
        except ProviderError as error:
            return Proposal("", tuple(parents), self.name, fault=str(error).partition("\n")[0])
        if reply is None:
            return Proposal("", tuple(parents), self.name, fault="it has no answer now")
        text = code_of(reply.text, entry=entry).encode("utf-8", "backslashreplace").decode()
        if len(text.encode()) > MAX_BYTES:
            text = f"a reply of {len(text)} characters"  # not Python: it ends at the first stage
        return Proposal(text, tuple(parents), self.name, tokens=self.tokens - before)


def open_providers(proposers: Sequence[Proposer], trials: Iterable[Trial]) -> dict[int, Budgeted]:
    """The providers of proposers, by index, with what earlier processes spent.

    Raises:
        SuiteError: if a back end cannot answer.
        UsageError: if its settings are incomplete.
    """
    found: dict[int, Budgeted] = {}
    for index, settings in enumerate(proposers):
        if settings.kind not in ("command", "model"):
            continue
        name = settings.kind if settings.kind == "command" else "model:"
        paid = [trial for trial in trials if trial.operator.startswith(name)]
        tokens = sum(int(trial.verdict.get("tokens", 0)) for trial in paid)
        found[index] = Budgeted(settings, _provider(settings), calls=len(paid), tokens=tokens)
    return found


def _provider(settings: Proposer) -> Provider:
    from harness.providers.factory import Backend, provider_for

    wanted = "command" if settings.kind == "command" else settings.backend
    names = ("model", "base_url", "answers", "cassette", "command", "timeout_s")
    provider = provider_for(Backend(backend=wanted, **{name: getattr(settings, name) for name in names}))
    if provider is None:
        fix = "name `answers:` or `cassette:`, or another one"
        raise SuiteError(f"the back end {wanted!r} has no answers", fix=fix)
    return provider
