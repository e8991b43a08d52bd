"""ProposalPlan: the proposals of one generation, each by its number alone."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.core.digest import derive_seed, digest_text
from harness.core.trial import Trial
from harness.evolve.budgeted import Budgeted
from harness.evolve.config import Experiment, Proposer
from harness.evolve.selection import tournament
from harness.evolve.spica import ToolGenVariant, find_evaluator
from harness.evolve.state import ToolState
from harness.lane.breed import Breed, Proposal
from harness.sweep.space import Parameter, Space

First = tuple[Proposal, Mapping[str, Any]]
"""A proposal of the first generation, with its point of the search space."""
MAX_FAILURES = 3  # sentences about failed children in a prompt


@dataclass(slots=True)
class ProposalPlan:
    """Makes the proposals of an experiment.

    Attributes:
        starts: Sources of `start` files, by name.
        source: The source of a digest.
        budgeted: The provider of each proposer that has one, by its index.
    """

    experiment: Experiment
    starts: Mapping[str, str]
    source: Callable[[str], str]
    budgeted: dict[int, Budgeted]
    say: Callable[[str], None]
    _refused: set[str] = field(default_factory=set)

    def first(self, tool: str, breed: Breed) -> list[First]:
        """The first generation of a tool: the points of the search space, and the `start` files."""
        space = self.experiment.search_space
        available, source = breed.styles, breed.template
        if self.experiment.evaluator:
            evaluator = find_evaluator(self.experiment.evaluator)({})
            available, source = evaluator.styles(tool), lambda style: evaluator.source(ToolGenVariant(tool, style))
        styles = [str(style) for style in space.get("impl_style", available)]
        usable = [style for style in styles if style in available]
        if not usable and available:
            self.say(f"{tool} has no template of {', '.join(styles)}: it starts from {', '.join(available)}")
            usable = list(available)
        found: list[First] = []
        if usable:
            temperatures = [float(value) for value in space.get("anneal_temp", [1.0])]
            points = Space(
                [
                    Parameter("anneal_temp", tuple(dict.fromkeys(temperatures))),
                    Parameter("impl_style", tuple(dict.fromkeys(usable))),
                ]
            )
            for point in points.sample(max(self.experiment.population, len(usable)), self.experiment.seed):
                style = point.values["impl_style"]
                temperature = point.values["anneal_temp"]
                text = source(style)
                values = {"anneal_temp": temperature, "impl_style": style}
                found.append((Proposal(text, (), f"template:{style}"), values))
        found += [(Proposal(text, (), f"start:{name}"), {"anneal_temp": 1.0}) for name, text in self.starts.items()]
        return found

    def propose(
        self, number: int, island: int, breed: Breed, state: ToolState, failures: Mapping[str, list[str]]
    ) -> Proposal | None:
        """The proposal of a number; None if nothing new was found, or the island has no parent."""
        rng = random.Random(derive_seed(self.experiment.seed, number))  # noqa: S311 - reproducible, not secret
        ranked = state.parents(island, max(4, self.experiment.population // self.experiment.islands))
        if not ranked:
            return None
        position = {digest: at for at, digest in enumerate(ranked)}

        def better(one: str, other: str) -> bool:
            return position[one] < position[other]

        def is_new(text: str) -> bool:
            found = breed.check(text)
            return not found.stage and found.digest not in state.first and found.normal_form not in state.forms

        def choose() -> str:
            return self.source(tournament(ranked, better, rng, size=self.experiment.bracket))

        allowed = [
            (index, proposer)
            for index, proposer in enumerate(self.experiment.proposers)
            if index not in self.budgeted or not self._is_refused(index, proposer)
        ]
        while allowed:
            index, proposer = rng.choices(allowed, [one.weight for _, one in allowed])[0]
            proposal = self._by(index, number, breed, choose=choose, rng=rng, is_new=is_new, failures=failures)
            if proposal is not None:
                return proposal
            allowed.remove((index, proposer))
        return None

    def _by(
        self,
        index: int,
        number: int,
        breed: Breed,
        *,
        choose: Callable[[], str],
        rng: random.Random,
        is_new: Callable[[str], bool],
        failures: Mapping[str, list[str]],
    ) -> Proposal | None:
        proposer = self.experiment.proposers[index]
        if proposer.kind == "operators":
            return breed.edit(choose(), rng, is_new, proposer.operators)
        if proposer.kind == "crossover":
            return breed.cross(choose(), choose(), rng, is_new)
        if proposer.kind == "templates":
            made = [text for style in breed.styles if is_new(text := breed.template(style))]
            return Proposal(rng.choice(made), (), "template") if made else None
        parent = choose()
        digest = digest_text(parent)
        role, prompt = breed.prompt(parent, failures.get(digest, [])[-MAX_FAILURES:])
        seed = rng.getrandbits(31)
        return self.budgeted[index].propose(prompt, role, [digest], number=number, seed=seed, entry=breed.entry)

    def _is_refused(self, index: int, proposer: Proposer) -> bool:
        """Whether a provider may not be asked again; the reason is shown once."""
        why = self.budgeted[index].refusal(tokens=self.experiment.tokens, money=self.experiment.money)
        if why and why not in self._refused:
            self._refused.add(why)
            self.say(f"the proposer {proposer.kind} is not asked any more: {why}")
        return bool(why)


def failures_of(rows: list[Trial]) -> dict[str, list[str]]:
    """Sentences about failed children, by the digest of their parent; public by construction (`Breed.feedback`)."""
    found: dict[str, list[str]] = {}
    for trial in rows:
        if trial.passed is False and trial.parents and trial.verdict.get("feedback"):
            found.setdefault(trial.parents[0], []).append(str(trial.verdict["feedback"]))
    return found
