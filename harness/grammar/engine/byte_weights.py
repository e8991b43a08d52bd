"""Byte weights: how much information each byte of a file carries. A longer run of equal bytes adds little."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from numpy.typing import NDArray

Vector: TypeAlias = "NDArray[Any]"

UNIT = 1 << 12  # units of one byte's weight. Weights are integers, so sums are exact in any order and in each engine


BLOCK = 1 << 16  # bytes that are weighed at once, so that no second array of that size is made
MAX_WEIGHT = 2.0  # maximum weight of one byte, in bytes


class Weights:
    """Weights of ranges of a file, in bytes.

    A byte weighs its self-information: a rare byte more, a frequent one less, one byte on average. The k-th byte of a
    run of equal bytes weighs 1/k of that: n of them weigh about ln n + 0.58, as the length of a run takes its logarithm
    to encode. Padding and very frequent bytes therefore count for almost nothing, under any grammar.

    Args:
        data: The file.
    """

    def __init__(self, data: Any) -> None:
        import numpy

        values = numpy.frombuffer(data, numpy.uint8)
        size = len(values)
        self.sums: Vector = numpy.zeros(size + 1, numpy.int64)
        # sums[i]: the weight of the first i bytes, in units
        if not size:
            return
        again: Any = numpy.flatnonzero(values[1:] == values[:-1]) + 1  # bytes equal to the one before
        repeated = values[again]
        # A group of neighbouring places is a run; its first byte is the one before the group.
        begins = numpy.flatnonzero(numpy.diff(again, prepend=-1) != 1)
        first: Any = numpy.repeat(again[begins], numpy.diff(begins, append=len(again)))
        once = 1.0 / (again - first + 2)
        counts = numpy.bincount(values, minlength=256) + numpy.bincount(repeated, weights=once - 1.0, minlength=256)
        rarity = _rarity(counts)
        table = numpy.rint(UNIT * rarity).astype(numpy.int64)
        for at in range(0, size, BLOCK):
            self.sums[at + 1 : at + BLOCK + 1] = table[values[at : at + BLOCK]]
        self.sums[again + 1] = numpy.rint(UNIT * once * rarity[repeated])
        numpy.cumsum(self.sums, out=self.sums)

    def of(self, start: int, end: int) -> int:
        """Weight of the bytes [start, end), in units."""
        return int(self.sums[end] - self.sums[start])

    @property
    def total(self) -> float:
        """Weight of the whole file, in bytes."""
        return int(self.sums[-1]) / UNIT


def _rarity(counts: NDArray[Any]) -> Vector:
    """Self-information of each byte value, as a multiple of the average over the file."""
    import numpy

    shares = counts / counts.sum()
    bits = numpy.zeros(256)
    there = shares > 0
    bits[there] = -numpy.log2(shares[there])
    average = float((shares * bits).sum())
    return numpy.minimum(bits / average, MAX_WEIGHT) if average > 0 else numpy.ones(256)
