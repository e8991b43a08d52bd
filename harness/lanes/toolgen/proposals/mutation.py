"""Mutation: proposals that are edits of a parent, or crossovers of two."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.core.digest import digest_text
from harness.lane.breed import IsNew, Proposal
from harness.lanes.toolgen.proposals.crossover import crossings
from harness.lanes.toolgen.proposals.edit import Edit, SourceText
from harness.lanes.toolgen.proposals.operators import edits_of

MAX_TRIES = 30  # edits that are tried for one proposal until one is new
SECOND_EDIT = 0.25  # share of the proposals that have two edits
MAX_CACHED = 256
WEIGHTS = {"delete": 4.0, "call": 3.0, "branch": 3.0, "constant": 2.0, "boolean": 2.0, "move": 2.0, "duplicate": 0.1}
"""How often an operator is chosen; 1 where it is not named. Less code and other calls may be faster, a copy is not."""


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
        try:
            by_name = self._edits(parent)
        except (SyntaxError, ValueError, RecursionError):
            return None
        if not by_name:
            return None
        for _ in range(MAX_TRIES):
            chosen = [_choose(by_name, rng) for _ in range(2 if rng.random() < SECOND_EDIT else 1)]
            if len(chosen) == 2 and _overlap(*chosen):
                chosen.pop()
            text = parent
            for edit in sorted(chosen, key=lambda one: one.span, reverse=True):  # the last one moves no other
                text = edit.apply(text)
            if is_new(text):
                return Proposal(text, (digest_text(parent),), "+".join(edit.operator for edit in chosen))
        return None

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


def _choose(by_name: Mapping[str, list[Edit]], rng: random.Random) -> Edit:
    """An edit of a random operator, so that operators with few edits are used, too."""
    names = sorted(by_name)
    return rng.choice(by_name[rng.choices(names, [WEIGHTS.get(name, 1.0) for name in names])[0]])


def _overlap(one: Edit, other: Edit) -> bool:
    return one.span == other.span or (one.span[0] < other.span[1] and other.span[0] < one.span[1])


def cross(receiver: str, donor: str, rng: random.Random, is_new: IsNew, *, entry: str) -> Proposal | None:
    """A new crossover of two sources; None if there is none."""
    try:
        made = list(crossings(receiver, donor, entry=entry))
    except (SyntaxError, ValueError, RecursionError):
        return None
    rng.shuffle(made)
    parents = digest_text(receiver), digest_text(donor)
    return next((Proposal(text, parents, f"crossover:{name}") for name, text in made if is_new(text)), None)
