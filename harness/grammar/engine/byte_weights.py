"""Byte weights: how much information each byte of a file carries. A longer run of equal bytes adds little."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from numpy.typing import NDArray

Vector: TypeAlias = "NDArray[Any]"

UNIT = 1 << 12  # units of one byte's weight. Weights are integers, so sums are exact in any order and in each engine


BLOCK = 1 << 18  # bytes that are weighed at once; their weights add up to less than 2**32 units
MAX_KEPT_BLOCKS = 16  # blocks whose sums are kept of a file that has no more
BATCH_BLOCKS = 6  # blocks whose sums are kept of a larger file: those of one batch of columns
MAX_WEIGHT = 2.0  # maximum weight of one byte, in bytes


class Weights:
    """Weights of ranges of a file, in bytes.

    A byte weighs its self-information: a rare byte more, a frequent one less, one byte on average. The k-th byte of a
    run of equal bytes weighs 1/k of that. A run of n weighs about ln n + 0.58, as the length of a run takes its
    logarithm to encode. Padding and very frequent bytes therefore count for almost nothing, under any grammar.

    The weights of a block are computed when they are needed, so the memory does not depend on the size of the file.

    Attributes:
        size: Bytes of the file.
        by_value: Weight of all bytes of each value (256 integers), in units.
    """

    def __init__(self, data: Any) -> None:
        import numpy

        self._values: Vector = numpy.frombuffer(data, numpy.uint8)
        self.size = len(self._values)
        self._blocks = -(-self.size // BLOCK)
        self._runs = [0] * (self._blocks + 1)  # for each block, the offset where the run of the byte before it begins
        self._kept: dict[int, Vector] = {}
        counts: Vector = numpy.zeros(256, numpy.int64)
        repeats: Vector = numpy.zeros(256)
        for block in range(self._blocks):
            values, again, once = self._repeats(block)
            counts += numpy.bincount(values, minlength=256)
            numpy.add.at(repeats, values[again], once - 1.0)
            begin, last = block * BLOCK, len(values) - 1
            ends_run = len(again) and again[-1] == last
            self._runs[block + 1] = begin + last - (round(1 / once[-1]) - 1 if ends_run else 0)
        self._rarity = _rarity(counts + repeats)
        self._table: Vector = numpy.rint(UNIT * self._rarity).astype(numpy.uint32)
        self.by_value: Vector = numpy.zeros(256, numpy.int64)
        self._before: Vector = numpy.zeros(self._blocks + 1, numpy.int64)  # weight of the blocks before each block
        for block in range(self._blocks):
            each = self._weigh(block)
            values = self._values[block * BLOCK : (block + 1) * BLOCK]
            self.by_value += numpy.bincount(values, weights=each, minlength=256).astype(numpy.int64)
            self._before[block + 1] = self._before[block] + int(each.sum())

    def _repeats(self, block: int) -> tuple[Vector, Vector, Vector]:
        """The bytes of a block, the indices of those equal to the byte before, and 1/k for the k-th byte of a run."""
        import numpy

        begin = block * BLOCK
        values = self._values[begin : begin + BLOCK]
        again: Vector = numpy.flatnonzero(values[1:] == values[:-1]) + 1
        continues = begin > 0 and values[0] == self._values[begin - 1]
        if continues:
            again = numpy.concatenate(([0], again))
        # A group of neighbouring places is a run; its first byte is the one before the group.
        groups = numpy.flatnonzero(numpy.diff(again, prepend=-2) != 1)
        starts = again[groups]
        if continues:
            starts[0] = self._runs[block] + 1 - begin
        first: Vector = numpy.repeat(starts, numpy.diff(groups, append=len(again)))
        return values, again, 1.0 / (again - first + 2)

    def _weigh(self, block: int) -> Vector:
        """The weight of each byte of a block, in units."""
        import numpy

        values, again, once = self._repeats(block)
        each: Vector = self._table[values]
        each[again] = numpy.rint(UNIT * once * self._rarity[values[again]])
        return each

    def _sums(self, block: int) -> Vector:
        """The weight of the first i bytes of a block."""
        import numpy

        found = self._kept.get(block)
        if found is None:
            each = self._weigh(block)
            found = numpy.zeros(len(each) + 1, numpy.uint32)
            numpy.cumsum(each, out=found[1:], dtype=numpy.uint32)
            if len(self._kept) >= (MAX_KEPT_BLOCKS if self._blocks <= MAX_KEPT_BLOCKS else BATCH_BLOCKS):
                del self._kept[next(iter(self._kept))]  # the oldest one; readers go forwards
            self._kept[block] = found
        return found

    def _until(self, place: int) -> int:
        block, offset = divmod(place, BLOCK)
        return int(self._before[block]) + (int(self._sums(block)[offset]) if offset else 0)

    def of(self, start: int, end: int) -> int:
        """Weight of the bytes [start, end), in units."""
        if start >= end:
            return 0
        block = start // BLOCK
        first, last = start - block * BLOCK, end - block * BLOCK
        if last > BLOCK:
            return self._until(end) - self._until(start)
        sums = self._sums(block)
        return int(sums[last] - sums[first])

    def of_all(self, starts: Vector, ends: Vector) -> int:
        """Weight of many ranges together, in units; both arrays ascend."""
        return self._sum_until(ends) - self._sum_until(starts)

    def _sum_until(self, places: Vector) -> int:
        import numpy

        if not len(places):
            return 0
        first, last = int(places[0]) // BLOCK, int(places[-1]) // BLOCK
        cuts: list[int] = numpy.searchsorted(places, numpy.arange(first, last + 2) * BLOCK).tolist()  # type: ignore[assignment]
        total = 0
        for block, (begin, end) in enumerate(itertools.pairwise(cuts), first):
            if begin < end:
                total += (end - begin) * int(self._before[block])
            if begin < end and block < self._blocks:
                total += int(self._sums(block)[places[begin:end] - block * BLOCK].sum(dtype=numpy.int64))
        return total

    @property
    def total(self) -> float:
        """Weight of the whole file, in bytes."""
        return int(self._before[-1]) / UNIT


def _rarity(counts: NDArray[Any]) -> Vector:
    """Self-information of each byte value, as a multiple of the average over the file."""
    import numpy

    shares = counts / max(1.0, counts.sum())
    bits = numpy.zeros(256)
    there = shares > 0
    bits[there] = -numpy.log2(shares[there])
    average = float((shares * bits).sum())
    return numpy.minimum(bits / average, MAX_WEIGHT) if average > 0 else numpy.ones(256)
