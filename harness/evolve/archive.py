"""Archive: the best feasible candidate of each cell, on each island; and the Pareto front of all."""

from __future__ import annotations

from dataclasses import dataclass, field

from harness.core.pareto import dominates
from harness.evolve.measures import Steps


@dataclass(frozen=True, slots=True)
class Member:
    """A feasible candidate.

    Attributes:
        number: The trial that brought it first.
    """

    digest: str
    number: int
    cell: str
    steps: Steps

    @property
    def key(self) -> tuple[object, ...]:
        """The order within a cell and among finalists: faster, then smaller, then less memory, then by digest."""
        found = self.steps
        return found.performance, found.time, found.size, found.memory, found.stability, self.digest


@dataclass(slots=True)
class Archive:
    """The owners of the cells of one island.

    Attributes:
        owners: The member that owns each cell.
    """

    owners: dict[str, Member] = field(default_factory=dict)

    def add(self, member: Member) -> bool:
        """Give a member its cell; an owner falls only to a better one of its own cell.

        Returns:
            Whether it owns the cell now.
        """
        held = self.owners.get(member.cell)
        if held is not None and (held.digest == member.digest or held.key <= member.key):
            return False
        self.owners[member.cell] = member
        return True

    @property
    def members(self) -> list[Member]:
        """All owners, by the numbers of their trials."""
        return sorted(self.owners.values(), key=lambda member: member.number)


@dataclass(slots=True)
class Front:
    """The members that no other one dominates, added one at a time."""

    members: list[Member] = field(default_factory=list)

    def add(self, member: Member) -> bool:
        """Add a member unless one dominates it; those that it dominates leave.

        Returns:
            Whether it is on the front now.
        """
        vector = member.steps.vector
        if any(one.digest == member.digest or dominates(one.steps.vector, vector) for one in self.members):
            return False
        self.members = [one for one in self.members if not dominates(vector, one.steps.vector)]
        self.members.append(member)
        return True
