"""Selection: Pareto ranks with crowding distance (Deb et al., NSGA-II, 2002), and tournaments for parents."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from harness.core.pareto import Vector, dominates

T = TypeVar("T")


def ranks(vectors: Mapping[str, Vector]) -> dict[str, int]:
    """The Pareto rank of each vector by its digest: 0 is the front, 1 is the front of the rest."""
    left = dict(vectors)
    found: dict[str, int] = {}
    rank = 0
    while left:
        # In lexicographic order a vector is dominated only by earlier ones, and then by one of the front.
        front: dict[str, Vector] = {}
        for digest, vector in sorted(left.items(), key=lambda item: (tuple(item[1]), item[0])):
            if not any(dominates(other, vector) for other in front.values()):
                front[digest] = vector
        for digest in front:
            found[digest] = rank
            del left[digest]
        rank += 1
    return found


def crowding(vectors: Mapping[str, Vector]) -> dict[str, float]:
    """The crowding distance of each vector of one front: how far its neighbours are; infinite at the ends."""
    found = dict.fromkeys(vectors, 0.0)
    if not found:
        return found
    for axis in range(len(next(iter(vectors.values())))):
        order = sorted(vectors, key=lambda digest: (vectors[digest][axis], digest))
        low, high = vectors[order[0]][axis], vectors[order[-1]][axis]
        if low == high:
            continue
        found[order[0]] = found[order[-1]] = math.inf
        for before, digest, after in zip(order, order[1:], order[2:], strict=False):
            found[digest] += (vectors[after][axis] - vectors[before][axis]) / (high - low)
    return found


def order(vectors: Mapping[str, Vector]) -> list[str]:
    """The digests from the best: by rank, then the less crowded, then by digest."""
    rank = ranks(vectors)
    distance: dict[str, float] = {}
    for level in set(rank.values()):
        distance |= crowding({digest: vectors[digest] for digest in vectors if rank[digest] == level})
    return sorted(vectors, key=lambda digest: (rank[digest], -distance[digest], digest))


def tournament(contenders: Sequence[T], better: Callable[[T, T], bool], rng: random.Random, *, size: int) -> T:
    """The winner of a knock-out tournament among `size` random contenders; of an odd round the last one has a bye.

    Args:
        contenders: At least one.
        better: Whether the first of two different contenders wins.
        size: Number of contenders; fewer if there are fewer.
    """
    left = rng.sample(list(contenders), min(size, len(contenders)))
    while len(left) > 1:
        winners = [one if better(one, other) else other for one, other in zip(left[::2], left[1::2], strict=False)]
        if len(left) % 2:
            winners.append(left[-1])
        left = winners
    return left[0]
