"""Pareto: dominance of vectors, and the volume that a front dominates; smaller is better in each objective."""

from __future__ import annotations

from collections.abc import Sequence

Vector = Sequence[float]


def dominates(one: Vector, other: Vector) -> bool:
    """Whether `one` is at least as small everywhere, and smaller somewhere."""
    return all(a <= b for a, b in zip(one, other, strict=True)) and any(a < b for a, b in zip(one, other, strict=True))


def hypervolume(vectors: Sequence[Vector], reference: Vector) -> float:
    """The volume that vectors dominate below a reference point.

    By slices along the last objective (While et al., "A faster algorithm for calculating hypervolume", 2006): exact,
    and fast enough for fronts of some hundred members in few dimensions.

    Args:
        vectors: Any vectors; those not below the reference contribute nothing.
        reference: The worst point.
    """
    inside = {tuple(vector) for vector in vectors if all(a < b for a, b in zip(vector, reference, strict=True))}
    return _volume(sorted(inside), tuple(reference))


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
            slab = {other[:-1] for other in by_last[: index + 1]}
            front = [one for one in slab if not any(dominates(other, one) for other in slab)]
            total += (upper - vector[-1]) * _volume(sorted(front), reference[:-1])
    return total
