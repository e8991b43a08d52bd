"""Weighing: how much each byte of a file says. A run of equal bytes says little more the longer it gets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from numpy.typing import NDArray

Vector: TypeAlias = "NDArray[Any]"

UNIT = 1 << 12
"""A byte's weight in whole numbers: sums of them are exact, whichever engine adds them up, and in whatever order."""


MOST = 2.0
"""No byte says more than this many."""


class Weights:
    """What stretches of a file weigh, in bytes.

    A byte weighs what it says: as many bits as it is rare in the file, on average one byte. Of a run of equal bytes
    the k-th weighs 1/k of that: n of them weigh about ln n + 0.58, as telling how long a run is takes its logarithm.
    So padding, and any byte that is everywhere, counts for next to nothing, however a grammar cuts it up.

    Args:
        data: The file.
    """

    def __init__(self, data: Any) -> None:
        import numpy

        values = numpy.frombuffer(data, numpy.uint8)
        size = len(values)
        self.sums: Vector = numpy.zeros(size + 1, numpy.int64)
        """`sums[i]`: the weight of the first i bytes, in units."""
        if size:
            places = numpy.arange(size)
            begins = numpy.where(numpy.concatenate(([True], values[1:] != values[:-1])), places, 0)
            once = 1.0 / (places - numpy.maximum.accumulate(begins) + 1)
            counts = numpy.bincount(values, weights=once, minlength=256)
            rarity = _rarity(counts)
            numpy.cumsum(numpy.rint(UNIT * once * rarity[values]).astype(numpy.int64), out=self.sums[1:])

    def of(self, start: int, end: int) -> int:
        """What the bytes [start, end) weigh, in units."""
        return int(self.sums[end] - self.sums[start])

    @property
    def total(self) -> float:
        """What the whole file weighs, in bytes."""
        return int(self.sums[-1]) / UNIT


def _rarity(counts: NDArray[Any]) -> Vector:
    """What each byte says, as a multiple of what bytes say on average."""
    import numpy

    shares = counts / counts.sum()
    bits = numpy.zeros(256)
    there = shares > 0
    bits[there] = -numpy.log2(shares[there])
    average = float((shares * bits).sum())
    return numpy.minimum(bits / average, MOST) if average > 0 else numpy.ones(256)
