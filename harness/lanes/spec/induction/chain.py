"""Chain: records one after the other, each with its own length in it, that end exactly where the bytes end."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

MOST_RECORDS = 200_000
HEADS = {4: 48, 2: 32, 1: 20}
"""Bytes before the first record that are considered, by the width of the length."""
PLACES = {4: 12, 2: 8, 1: 6}
"""Where in a record its length may be."""
ALIGNMENTS = {4: (1, 2, 4), 2: (1, 4), 1: (1,)}
WHOLE = 24
"""The most bytes of a record besides those that its length counts."""
KEPT = 12
MOST_WEIGHED = 1000
HYPOTHESES = 400_000
"""About as many ideas are tried; the best of so many always looks good."""


@dataclass(frozen=True, slots=True)
class Chain:
    """How to get from one record to the next.

    Attributes:
        head: Bytes before the first record.
        place: Where in a record the length is.
        width: Its bytes.
        big: Its byte order.
        extra: Size of a record minus its length's value.
        align: Records start at multiples of this, counted from the first.
        starts: For each blob, where its records start, and its end.
    """

    head: int
    place: int
    width: int
    big: bool
    extra: int
    align: int
    starts: tuple[tuple[int, ...], ...]

    @property
    def records(self) -> int:
        """Records in all blobs."""
        return sum(len(starts) - 1 for starts in self.starts)

    @property
    def lead(self) -> int:
        """Bytes up to behind the length."""
        return self.place + self.width


def find_chains(blobs: Sequence[bytes]) -> list[Chain]:
    """Chains that fit all blobs, the most telling first."""
    if not blobs or min(map(len, blobs)) < 4:
        return []
    order = sorted(range(len(blobs)), key=lambda i: len(blobs[i]))
    first = blobs[order[0]]
    found: list[tuple[float, Chain]] = []
    for width, big in ((4, True), (4, False), (2, True), (2, False), (1, True)):
        for place, head in itertools.product(range(PLACES[width]), range(min(HEADS[width], len(first)) + 1)):
            lead = place + width
            value = int.from_bytes(first[head + place : head + lead], "big" if big else "little")
            room = len(first) - head
            # A length that counts itself and what is before it has extra 0. Almost every wrong idea ends here.
            for extra in range(max(0, lead - value), min(WHOLE, room - value) + 1):
                for align in ALIGNMENTS[width]:
                    walks: dict[int, tuple[int, ...]] = {}
                    for i in order:
                        walk = _walk(blobs[i], head, place, width, big=big, extra=extra, align=align)
                        if walk is None:
                            break
                        walks[i] = walk
                    else:
                        starts = tuple(walks[i] for i in range(len(blobs)))
                        chain = Chain(head, place, width, big, extra, align, starts)
                        if (worth := _worth(chain)) > 0:
                            found.append((worth, chain))
    found.sort(key=lambda pair: (-pair[0], pair[1].head, pair[1].place, pair[1].align, pair[1].extra))
    return _different([chain for _, chain in found])


def _walk(
    blob: bytes, head: int, place: int, width: int, *, big: bool, extra: int, align: int
) -> tuple[int, ...] | None:
    at, end, starts, lead = head, len(blob), [head], place + width
    order: Literal["big", "little"] = "big" if big else "little"
    while at < end:
        size = int.from_bytes(blob[at + place : at + lead], order) + extra
        if size < lead or at + max(size, lead) > end or len(starts) > MOST_RECORDS:
            return None
        at = min(at + size + (-size) % align, end)  # the last record may lack its padding
        starts.append(at)
    return tuple(starts)


def _worth(chain: Chain) -> float:
    """Bits of evidence: how unlikely it is that so many lengths fit and that the last ends where the bytes end."""
    sizes = {b - a for starts in chain.starts for a, b in itertools.pairwise(starts)}
    if len(sizes) == 1 and chain.records > 2 * len(chain.starts):
        return 0.0  # records of one size need no length: any constant would do for one
    total = -math.log2(HYPOTHESES)
    for starts in chain.starts:
        end, count = starts[-1], len(starts) - 1
        if not count:
            return 0.0
        for at in starts[:-1][:MOST_WEIGHED]:
            total += max(0.0, 8.0 * chain.width - math.log2(end - at + 1))
        total += math.log2(max(2.0, (end - starts[0]) / count)) + 0.5 * min(count, MOST_WEIGHED)
    return total - 0.1 * chain.head - 0.5 * (chain.align - 1)


def _different(chains: list[Chain]) -> list[Chain]:
    """The first of each set of chains that start records at the same places, or at a suffix of the same."""
    kept: list[Chain] = []
    seen: set[tuple[tuple[int, ...], ...]] = set()
    for chain in chains:
        if chain.starts not in seen:
            seen.add(chain.starts)
            kept.append(chain)
        if len(kept) >= KEPT:
            break
    return kept
