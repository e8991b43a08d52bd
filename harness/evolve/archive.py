"""Archive: the best feasible candidate of each cell, on each island; and the Pareto front of all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from harness.evolve.measures import Steps
from harness.evolve.selection import dominates


@dataclass(frozen=True, slots=True)
class Member:
    """A feasible candidate.

    Attributes:
        digest: Its identity.
        number: The trial that brought it first.
        cell: Its cell.
        steps: Its objectives.
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

    def retain(self, feasible: Iterable[str]) -> None:
        """Remove the owners that are not feasible any more, when budgets tightened."""
        kept = set(feasible)
        self.owners = {cell: member for cell, member in self.owners.items() if member.digest in kept}

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


def hypervolume(vectors: Sequence[Sequence[float]], reference: Sequence[float]) -> float:
    """The volume that vectors dominate below a reference point; smaller is better in each objective.

    By slicing along the last objective (While et al. 2006): exact, and fast enough for fronts of some hundred members
    in few dimensions.

    Args:
        vectors: Any vectors; those not below the reference contribute nothing.
        reference: The worst point.
    """
    inside = [tuple(vector) for vector in vectors if all(a < b for a, b in zip(vector, reference, strict=True))]
    return _volume(sorted(set(inside)), tuple(reference))


def _volume(vectors: list[tuple[float, ...]], reference: tuple[float, ...]) -> float:
    if not vectors:
        return 0.0
    if len(reference) == 1:
        return reference[0] - min(vector[0] for vector in vectors)
    total = 0.0
    by_last = sorted(vectors, key=lambda vector: vector[-1])
    for index, vector in enumerate(by_last):
        upper = by_last[index + 1][-1] if index + 1 < len(by_last) else reference[-1]
        if upper > vector[-1]:
            slab = [other[:-1] for other in by_last[: index + 1]]
            front = [one for one in set(slab) if not any(dominates(other, one) for other in slab)]
            total += (upper - vector[-1]) * _volume(sorted(front), reference[:-1])
    return total
