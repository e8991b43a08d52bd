"""Record chain: adjacent records, each with its own length, that end exactly at the end of the bytes."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

MAX_RECORDS = 200_000
HEADS = {4: 48, 3: 24, 2: 32, 1: 20}  # maximum bytes before the first record, by the width of the length
PLACES = {4: 12, 3: 6, 2: 8, 1: 6}  # maximum position of the length within a record, by its width
ALIGNMENTS = {4: (1, 2, 4), 3: (1,), 2: (1, 4), 1: (1,)}
# Units of a length, in bytes, by its width: a length may count the numbers of an array.
UNITS = {4: (1, 4, 2, 8), 3: (1,), 2: (1, 2, 4, 8), 1: (1, 2, 4)}
MAX_HOPS = 500_000  # maximum steps from record to record; then the search ends with the chains found so far
# Number of empty records at the start that reject a chain: they are zeros, and would use up all steps.
MAX_EMPTY_RECORDS = 9
MAX_FIXED_BYTES = 24  # maximum bytes of a record that its length does not count
MAX_KEPT = 12
MIN_CUT_RECORDS = 4  # minimum number of whole records of a file, whose last one may then be cut off
MAX_WEIGHED = 1000
MIN_EVIDENCE_BITS = 16.0  # minimum bits of evidence of a chain, after the correction for the number of candidates
HYPOTHESES = 400_000  # approximate number of candidates, for the correction of multiple tests


@dataclass(frozen=True, slots=True)
class Chain:
    """The rule that leads from one record to the next.

    Attributes:
        head: Bytes before the first record.
        place: Position of the length within a record.
        width: Bytes of the length.
        big: Whether the length is big-endian.
        extra: Size of a record minus its length value.
        unit: Bytes per unit of the length.
        align: Records start at multiples of this, counted from the first.
        starts: Per blob, the offsets of its records, and the end of the last whole one.
        cut: Whether records at the end may be cut off, so that ends are not evidence.
    """

    head: int
    place: int
    width: int
    big: bool
    extra: int
    unit: int
    align: int
    starts: tuple[tuple[int, ...], ...]
    cut: bool = False

    @property
    def records(self) -> int:
        """Number of records in all blobs."""
        return sum(len(starts) - 1 for starts in self.starts)

    @property
    def lead(self) -> int:
        """Bytes of a record up to the end of its length."""
        return self.place + self.width


def find_chains(blobs: Sequence[bytes]) -> list[Chain]:
    """Chains that match all blobs, those with the most evidence first; their last records may be cut off."""
    if not blobs or min(map(len, blobs)) < 4:
        return []
    found = [*_find(blobs, cut=False), *_find(blobs, cut=True)]
    found.sort(key=lambda pair: (-pair[0], pair[1].head, pair[1].place, pair[1].align, pair[1].extra))
    return _different([chain for _, chain in found])


def _find(blobs: Sequence[bytes], *, cut: bool) -> list[tuple[float, Chain]]:
    order = sorted(range(len(blobs)), key=lambda i: len(blobs[i]))
    first = blobs[order[0]]
    found: list[tuple[float, Chain]] = []
    hops = _Hops(MAX_HOPS)
    for width, big in ((4, True), (4, False), (2, True), (2, False), (1, True), (3, True), (3, False)):
        if cut and width == 1:
            continue  # any bytes are a chain of such lengths, up to its end
        for place, head in itertools.product(range(PLACES[width]), range(min(HEADS[width], len(first)) + 1)):
            lead = place + width
            value = int.from_bytes(first[head + place : head + lead], "big" if big else "little")
            room = len(first) - head
            for unit in UNITS[width] if hops.left > 0 else ():
                # A length that counts itself and the bytes before it has extra 0. Most candidates are rejected here.
                for extra in range(max(0, lead - value * unit), min(MAX_FIXED_BYTES, room - value * unit) + 1):
                    for align in ALIGNMENTS[width] if unit == 1 else (1,):
                        step = _Step(place, width, "big" if big else "little", extra, unit, align)
                        walks: dict[int, tuple[int, ...]] = {}
                        for i in order:
                            walk = _walk(blobs[i], head, step, hops, cut=cut)
                            if walk is None:
                                break
                            walks[i] = walk
                        else:
                            starts = tuple(walks[i] for i in range(len(blobs)))
                            chain = Chain(head, place, width, big, extra, unit, align, starts, cut)
                            if (worth := evidence(chain)) > 0:
                                found.append((worth, chain))
    return found


@dataclass(slots=True)
class _Hops:
    left: int


@dataclass(frozen=True, slots=True)
class _Step:
    """The parameters of one step from record to record."""

    place: int
    width: int
    order: Literal["big", "little"]
    extra: int
    unit: int
    align: int


def _walk(blob: bytes, head: int, step: _Step, hops: _Hops, *, cut: bool) -> tuple[int, ...] | None:
    at, end, starts = head, len(blob), [head]
    place, lead, unit, extra, align = step.place, step.place + step.width, step.unit, step.extra, step.align
    while at < end:
        size = int.from_bytes(blob[at + place : at + lead], step.order) * unit + extra
        idle = len(starts) == MAX_EMPTY_RECORDS and at - head <= (MAX_EMPTY_RECORDS - 1) * (extra + align - 1)
        # A cut-off record is not larger than the largest one before it, unless its length is cut off too.
        ends = cut and len(starts) > MIN_CUT_RECORDS and (at + lead > end or (lead <= size and at + size > end))
        if ends and (at + lead > end or size <= max(b - a for a, b in itertools.pairwise(starts))):
            break
        if size < lead or at + size > end or idle or len(starts) > MAX_RECORDS or hops.left <= 0:
            hops.left -= len(starts)
            return None
        at = min(at + size + (-size) % align, end)  # the last record may lack its padding
        starts.append(at)
    hops.left -= len(starts)
    return tuple(starts)


def evidence(chain: Chain) -> float:
    """Bits of evidence: how unlikely it is that all lengths match and the last record ends at the end of the bytes."""
    sizes = {b - a for starts in chain.starts for a, b in itertools.pairwise(starts)}
    small = chain.extra + chain.unit  # size for a length of 0 or 1, frequent in bytes that are mostly zero
    if chain.cut:
        return _cut_evidence(chain, sizes)
    if len(sizes) == 1 and chain.records > 2 * len(chain.starts):
        return 0.0  # records of one size need no length: each constant matches as one
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


def _cut_evidence(chain: Chain, sizes: set[int]) -> float:
    """Bits of evidence without those of the ends: how unlikely lengths of at most the largest size are."""
    if len(sizes) == 1 or any(len(starts) <= MIN_CUT_RECORDS for starts in chain.starts):
        return 0.0
    saved = 8.0 * chain.width - math.log2(max(sizes) / chain.unit + 1)
    weighed = sum(min(MAX_WEIGHED, len(starts) - 1) for starts in chain.starts)
    # Lengths that are mostly zero are zeros.
    small = sum(b - a <= chain.extra + chain.unit for starts in chain.starts for a, b in itertools.pairwise(starts))
    return (weighed - small) * saved - math.log2(HYPOTHESES) - 0.1 * chain.head - (chain.place % chain.width > 0)


def _different(chains: list[Chain]) -> list[Chain]:
    """One of each set of chains with the same record offsets; without chains that are the tail of another one."""
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
    """Whether a chain is the tail of one that begins earlier, or divides the same records."""
    if chain.head <= other.head:
        return False
    pairs = list(zip(chain.starts, other.starts, strict=True))
    shift = chain.head - other.head
    alike = all(len(a) == len(b) and all(x - y == shift for x, y in zip(a[:-1], b[:-1], strict=True)) for a, b in pairs)
    if alike and other.align <= chain.align:  # with more padding, the end may match by chance
        return True
    if all(len(a) <= len(b) and a[len(a) // 2 :] == b[len(b) - len(a) + len(a) // 2 :] for a, b in pairs):
        return True
    # Records within a record are a chain too. Both reading the same length in every file is unlikely by chance.
    luck = sum(8.0 * other.width - math.log2(len(a) * len(b)) for a, b in pairs) - math.log2(HYPOTHESES)
    return luck >= MIN_EVIDENCE_BITS and all(
        {at + chain.place for at in a[:-1]} & {at + other.place for at in b[:-1]} for a, b in pairs
    )
