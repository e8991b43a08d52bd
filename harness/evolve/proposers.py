"""Proposers: where proposals come from: edits, crossover, templates, a model."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from harness.core.digest import digest_text
from harness.evolve.completion import code_of
from harness.evolve.config import Proposer
from harness.evolve.crossover import crossings
from harness.evolve.edit import Edit, SourceText
from harness.evolve.operators import edits_of
from harness.providers.fault import ProviderError
from harness.providers.question import Provider, Question

MAX_TRIES = 30
"""Edits that are tried for one proposal until one is new."""
SECOND_EDIT = 0.25
"""Share of the proposals that have two edits."""
MAX_CACHED = 256


@dataclass(frozen=True, slots=True)
class Proposal:
    """A source to be judged, or the reason why there is none.

    Attributes:
        text: The source; empty if a provider failed.
        parents: Digests of what it was made from, the main one first.
        operator: What made it.
        tokens: Tokens that it cost.
        fault: Why a provider gave no reply; empty where there is a source.
    """

    text: str
    parents: tuple[str, ...]
    operator: str
    tokens: int = 0
    fault: str = ""


IsNew = Callable[[str], bool]
"""Whether neither the bytes nor the normal form of a source were proposed before."""


@dataclass(slots=True)
class Mutator:
    """Proposes edits of a parent.

    Attributes:
        operators: The operators that it may use; empty for all.
    """

    operators: frozenset[str] = frozenset()
    _made: dict[str, dict[str, list[Edit]]] = field(default_factory=dict)

    def propose(self, parent: str, rng: random.Random, is_new: IsNew) -> Proposal | None:
        """A new edit of a source; None if none of `MAX_TRIES` is new."""
        digest = digest_text(parent)
        for _ in range(MAX_TRIES):
            text, names = parent, []
            for _ in range(2 if rng.random() < SECOND_EDIT else 1):
                edit = self._choose(text, rng)
                if edit is not None:
                    text = edit.apply(text)
                    names.append(edit.operator)
            if names and is_new(text):
                return Proposal(text, (digest,), "+".join(names))
        return None

    def _choose(self, text: str, rng: random.Random) -> Edit | None:
        """An edit of a random operator, so that operators with few edits are used as often as others."""
        try:
            by_name = self._edits(text)
        except (SyntaxError, ValueError, RecursionError):
            return None
        return rng.choice(by_name[rng.choice(sorted(by_name))]) if by_name else None

    def _edits(self, text: str) -> Mapping[str, list[Edit]]:
        found = self._made.get(text)
        if found is None:
            found = {}
            for edit in edits_of(SourceText(text)):
                if not self.operators or edit.operator in self.operators:
                    found.setdefault(edit.operator, []).append(edit)
            if len(self._made) >= MAX_CACHED:
                self._made.pop(next(iter(self._made)))
            self._made[text] = found
        return found


def cross(receiver: str, donor: str, rng: random.Random, is_new: IsNew, *, entry: str) -> Proposal | None:
    """A new crossover of two sources; None if there is none."""
    try:
        made = list(crossings(receiver, donor, entry=entry))
    except (SyntaxError, ValueError, RecursionError):
        return None
    rng.shuffle(made)
    parents = digest_text(receiver), digest_text(donor)
    return next((Proposal(text, parents, f"crossover:{name}") for name, text in made if is_new(text)), None)


@dataclass(slots=True)
class Budgeted:
    """A provider with limits on calls and tokens that are kept before they are reached.

    Attributes:
        settings: The limits.
        provider: Who answers.
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
        name = (
            self.settings.kind
            if self.settings.kind == "command"
            else f"model:{self.settings.model or self.settings.backend}"
        )
        self.calls += 1
        try:
            reply = self.provider.answer(question)
        except ProviderError as error:
            self.failures += 1
            return Proposal("", tuple(parents), name, fault=str(error).partition("\n")[0])
        if reply is None:
            self.failures += 1
            return Proposal("", tuple(parents), name, fault="it has no answer now")
        self.failures = 0
        # A server that does not count tokens is charged with four characters each.
        used = reply.tokens or (len(prompt) + len(reply.text)) // 4
        self.tokens += used
        text = code_of(reply.text, entry).encode("utf-8", "backslashreplace").decode()
        return Proposal(text, tuple(parents), name, tokens=used)
