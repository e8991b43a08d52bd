"""State: what the complete generations of an experiment amount to, as a function of their rows in order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.core.status import Status
from harness.core.trial import Trial
from harness.evolve.archive import Archive, Front, Member
from harness.evolve.measures import MEMORY_GRID, TIME_GRID, Steps, cell_of, levels, steps
from harness.evolve.selection import order

ELITE, MIGRANT, FINAL = "elite", "migrant", "final"
"""Operators of rows that are not proposals: an owner judged for a tighter budget, a champion that moves, a finalist."""


@dataclass(slots=True)
class ToolState:
    """The search among candidates of one tool.

    Attributes:
        first: The first trial of each digest.
        forms: The number of the first trial of each normal form.
        latest: The latest judged trial of each digest.
        archives: One for each island.
        fresh: Feasible members of the latest generation, by island.
        epoch: The epoch of its latest generation; None before the first.
        best: The order of the best member so far; empty before there is one.
        stale: Generations since that became better.
        passed: Whether each proposal passed, in order; `infra` is left out.
        roots: The digests of the seed parents.
    """

    archives: list[Archive]
    fresh: list[list[Member]]
    first: dict[str, Trial] = field(default_factory=dict)
    forms: dict[str, int] = field(default_factory=dict)
    latest: dict[str, Trial] = field(default_factory=dict)
    epoch: int | None = None
    best: tuple[object, ...] = ()
    stale: int = 0
    passed: list[bool] = field(default_factory=list)
    roots: set[str] = field(default_factory=set)

    @classmethod
    def empty(cls, islands: int) -> ToolState:
        """The state before the first generation."""
        return cls([Archive() for _ in range(islands)], [[] for _ in range(islands)])

    def note(self, trial: Trial) -> None:
        """Know the bytes and the normal form of a proposed trial; `infra` replies without a source are not known."""
        if trial.verdict.get("fault"):
            return
        if self.first.setdefault(trial.digest, trial) is trial and not trial.parents:
            self.roots.add(trial.digest)
        form = trial.normal_form
        if form:
            self.forms[form] = min(self.forms.get(form, trial.number), trial.number)

    def root(self, digest: str) -> str:
        """The seed parent of a candidate, by way of first parents."""
        seen: set[str] = set()
        while digest in self.first and self.first[digest].parents and digest not in seen:
            seen.add(digest)
            parent = self.first[digest].parents[0]
            if parent not in self.first:
                break
            digest = parent
        return digest

    def measures(self, digest: str) -> Mapping[str, Any] | None:
        """The measures of the first full verdict on a candidate."""
        trial = self.latest.get(digest)
        found = trial.verdict.get("measures") if trial is not None else None
        return found if isinstance(found, dict) else None

    @property
    def first_root(self) -> str:
        """The digest of the seed parent with the lowest number, which the others are measured next to."""
        return min(self.roots, key=lambda digest: self.first[digest].number, default="")

    def steps(self, trial: Trial) -> Steps:
        """The objectives of a trial that got a full verdict."""
        mine, root = trial.verdict["measures"], self.root(trial.digest)
        known = {digest: found for digest in self.roots if (found := self.measures(digest)) is not None}
        times, memory = ({digest: one.get(name) for digest, one in known.items()} for name in ("time", "memory"))
        level = levels(times, TIME_GRID).get(root, 0), levels(memory, MEMORY_GRID).get(root, 0)
        return steps(mine, known.get(root, mine), time=level[0], memory=level[1])

    def member(self, trial: Trial) -> Member:
        """A feasible trial as a member of the archive."""
        found = self.steps(trial)
        cell = cell_of(trial.verdict["measures"].get("style", ""), found)
        return Member(trial.digest, trial.number, cell, found)

    def parents(self, island: int, count: int) -> list[str]:
        """The best candidates of an island, the best first."""
        members = {member.digest: member for member in [*self.archives[island].members, *self.fresh[island]]}
        return order({digest: member.steps.vector for digest, member in members.items()})[:count]

    @property
    def members(self) -> list[Member]:
        """The owners of cells on all islands, each once, the best first."""
        found = {member.digest: member for archive in self.archives for member in archive.members}
        return sorted(found.values(), key=lambda member: member.key)

    @property
    def front(self) -> list[Member]:
        """The Pareto front of the owners of all cells."""
        front = Front()
        for member in self.members:
            front.add(member)
        return front.members


@dataclass(slots=True)
class State:
    """The state of an experiment.

    Attributes:
        trace: Epoch and tool of each generation.
    """

    islands: int
    tools: dict[str, ToolState] = field(default_factory=dict)
    trace: list[tuple[int, str]] = field(default_factory=list)

    def of(self, tool: str) -> ToolState:
        """The state for a tool."""
        if tool not in self.tools:
            self.tools[tool] = ToolState.empty(self.islands)
        return self.tools[tool]

    def tighten(self, tool: str, epoch: int, island: int, elites: Iterable[Trial]) -> None:
        """Take the verdicts on the owners of an island for a new epoch: those that fail leave their cells."""
        mine = self.of(tool)
        archive, rows = mine.archives[island], {trial.digest: trial for trial in elites}
        mine.latest.update((digest, trial) for digest, trial in rows.items() if trial.passed)
        owners = [member for member in archive.members if member.digest not in rows or rows[member.digest].passed]
        archive.owners = {}
        for member in owners:
            archive.add(mine.member(mine.latest[member.digest]))
        kept = {member.digest for member in archive.members}
        mine.fresh[island] = [one for one in mine.fresh[island] if one.digest in kept]
        mine.epoch = epoch

    def absorb(self, tool: str, epoch: int, island: int, rows: Iterable[Trial]) -> None:
        """Take the complete proposals of an island in a generation, in the order of their numbers."""
        mine = self.of(tool)
        is_first = mine.epoch is None
        mine.fresh[island] = []
        if not island:
            mine.stale += 1
            self.trace.append((epoch, tool))
        passed: list[Trial] = []
        for trial in rows:
            mine.note(trial)
            if trial.status != Status.INFRA:
                mine.passed.append(bool(trial.passed))
            if trial.status != Status.OK or not trial.passed or not trial.verdict.get("measures"):
                continue
            mine.latest.setdefault(trial.digest, trial)
            passed.append(trial)
        for member in map(mine.member, passed):  # seed parents are compared with each other
            # Seed parents begin on every island, so that each can cross all of them.
            for at in range(self.islands) if is_first else [island]:
                mine.archives[at].add(member)
                if all(one.digest != member.digest for one in mine.fresh[at]):
                    mine.fresh[at].append(member)
        mine.epoch = epoch
        members = mine.members
        key = members[0].key[:3] if members else ()
        if key and (not mine.best or key < mine.best):
            mine.best, mine.stale = key, 0

    def migrate(self, tool: str, rows: Iterable[Trial]) -> None:
        """Take the confirmed champions that moved to the next island."""
        mine = self.of(tool)
        for trial in rows:
            if trial.passed:
                mine.archives[trial.island].add(mine.member(mine.latest[trial.digest]))
