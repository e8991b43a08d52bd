"""Chain: records one after the other, each with its own length in it, that end exactly where the bytes end."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

MAX_RECORDS = 200_000
HEADS = {4: 48, 3: 24, 2: 32, 1: 20}
"""Bytes before the first record that are considered, by the width of the length."""
PLACES = {4: 12, 3: 6, 2: 8, 1: 6}
"""Where in a record its length may be."""
ALIGNMENTS = {4: (1, 2, 4), 3: (1,), 2: (1, 4), 1: (1,)}
UNITS = {4: (1, 4, 2, 8), 3: (1,), 2: (1, 2, 4, 8), 1: (1, 2, 4)}
"""Bytes that a length counts in: numbers of an array, not only bytes."""
MAX_HOPS = 500_000
"""From record to record, in all; then the search ends with what it has."""
MAX_EMPTY_RECORDS = 9
"""A chain does not begin with so many records of nothing: those are zeros, and they would use up all hops."""
MAX_FIXED_BYTES = 24
"""The most bytes of a record besides those that its length counts."""
MAX_KEPT = 12
MAX_WEIGHED = 1000
MIN_EVIDENCE_BITS = 16.0
"""Bits of evidence, beyond the luck of so many tries, with which a chain is no accident."""
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
        extra: Size of a record minus what its length says.
        unit: Bytes that the length counts in.
        align: Records start at multiples of this, counted from the first.
        starts: For each blob, where its records start, and its end.
    """

    head: int
    place: int
    width: int
    big: bool
    extra: int
    unit: int
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
    hops = _Hops(MAX_HOPS)
    for width, big in ((4, True), (4, False), (2, True), (2, False), (1, True), (3, True), (3, False)):
        for place, head in itertools.product(range(PLACES[width]), range(min(HEADS[width], len(first)) + 1)):
            lead = place + width
            value = int.from_bytes(first[head + place : head + lead], "big" if big else "little")
            room = len(first) - head
            for unit in UNITS[width] if hops.left > 0 else ():
                # A length that counts itself and what is before it has extra 0. Almost every wrong idea ends here.
                for extra in range(max(0, lead - value * unit), min(MAX_FIXED_BYTES, room - value * unit) + 1):
                    for align in ALIGNMENTS[width] if unit == 1 else (1,):
                        step = _Step(place, width, "big" if big else "little", extra, unit, align)
                        walks: dict[int, tuple[int, ...]] = {}
                        for i in order:
                            walk = _walk(blobs[i], head, step, hops)
                            if walk is None:
                                break
                            walks[i] = walk
                        else:
                            starts = tuple(walks[i] for i in range(len(blobs)))
                            chain = Chain(head, place, width, big, extra, unit, align, starts)
                            if (worth := evidence(chain)) > 0:
                                found.append((worth, chain))
    found.sort(key=lambda pair: (-pair[0], pair[1].head, pair[1].place, pair[1].align, pair[1].extra))
    return _different([chain for _, chain in found])


@dataclass(slots=True)
class _Hops:
    left: int


@dataclass(frozen=True, slots=True)
class _Step:
    """From one record to the next."""

    place: int
    width: int
    order: Literal["big", "little"]
    extra: int
    unit: int
    align: int


def _walk(blob: bytes, head: int, step: _Step, hops: _Hops) -> tuple[int, ...] | None:
    at, end, starts = head, len(blob), [head]
    place, lead, unit, extra, align = step.place, step.place + step.width, step.unit, step.extra, step.align
    while at < end:
        size = int.from_bytes(blob[at + place : at + lead], step.order) * unit + extra
        idle = len(starts) == MAX_EMPTY_RECORDS and at - head <= (MAX_EMPTY_RECORDS - 1) * (extra + align - 1)
        if size < lead or at + size > end or idle or len(starts) > MAX_RECORDS or hops.left <= 0:
            hops.left -= len(starts)
            return None
        at = min(at + size + (-size) % align, end)  # the last record may lack its padding
        starts.append(at)
    hops.left -= len(starts)
    return tuple(starts)


def evidence(chain: Chain) -> float:
    """Bits of evidence: how unlikely it is that so many lengths fit and that the last ends where the bytes end."""
    sizes = {b - a for starts in chain.starts for a, b in itertools.pairwise(starts)}
    small = chain.extra + chain.unit  # what a length of 0 or 1 makes: bytes that are mostly zero are full of them
    if len(sizes) == 1 and chain.records > 2 * len(chain.starts):
        return 0.0  # records of one size need no length: any constant would do for one
    total = -math.log2(HYPOTHESES)
    for starts in chain.starts:
        end, count = starts[-1], len(starts) - 1
        if not count:
            return 0.0
        for at in starts[:-1][:MAX_WEIGHED]:
            total += max(0.0, 8.0 * chain.width - math.log2((end - at) / chain.unit + 1))
        total += math.log2(max(2.0, (end - starts[0]) / count))
        total += 0.5 * sum(b - a > small for a, b in itertools.pairwise(starts[:MAX_WEIGHED]))
        total -= 0.5 * sum(b - a <= small for a, b in itertools.pairwise(starts[:MAX_WEIGHED]))
    return total - 0.1 * chain.head - 0.5 * (chain.align - 1) - 2.0 * (chain.unit > 1) - (chain.place % chain.width > 0)


def _different(chains: list[Chain]) -> list[Chain]:
    """The first of each set of chains that start records at the same places; of those that begin later, the whole."""
    kept: list[Chain] = []
    seen: set[tuple[tuple[int, ...], ...]] = set()
    for chain in chains:
        if chain.starts not in seen and not any(_ends_as(chain, other) for other in chains):
            seen.add(chain.starts)
            kept.append(chain)
        if len(kept) >= MAX_KEPT:
            break
    return kept


def _ends_as(chain: Chain, other: Chain) -> bool:
    """Whether a chain is one that begins before it, but for its first records, or for where it cuts them."""
    if chain.head <= other.head:
        return False
    pairs = list(zip(chain.starts, other.starts, strict=True))
    shift = chain.head - other.head
    alike = all(len(a) == len(b) and all(x - y == shift for x, y in zip(a[:-1], b[:-1], strict=True)) for a, b in pairs)
    if alike and other.align <= chain.align:  # with more padding the end may only seem to be reached
        return True
    if all(len(a) <= len(b) and a[len(a) // 2 :] == b[len(b) - len(a) + len(a) // 2 :] for a, b in pairs):
        return True
    # Parts within a part are a chain as well. That both read one and the same length in every file is no accident.
    luck = sum(8.0 * other.width - math.log2(len(a) * len(b)) for a, b in pairs) - math.log2(HYPOTHESES)
    return luck >= MIN_EVIDENCE_BITS and all(
        {at + chain.place for at in a[:-1]} & {at + other.place for at in b[:-1]} for a, b in pairs
    )
