"""Byte histogram: statistics of the bytes of some files, which each code of a field must improve on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from harness.grammar.engine.byte_weights import UNIT, Weights
from harness.grammar.engine.tally import is_printable

_ASCII = ("ascii", "utf-8", "utf-16-le", "utf-16-be")
# Maximum share of printable bytes: a printable string saves bits even if all bytes of the files are printable.
_MAX_PRINTABLE = 0.97


@dataclass(frozen=True, slots=True)
class ByteHistogram:
    """Statistics of the bytes of some files, each byte counted by its weight.

    Attributes:
        bits: Entropy of one byte.
        printable: Share of printable ASCII.
        readable: Share of bytes that are printable in an eight-bit encoding.
        size: Bytes of the largest file, the maximum of each length and offset.
    """

    bits: float
    printable: float
    readable: float
    size: int

    def chance(self, encoding: str) -> float:
        """Probability that a byte of these files is printable in an encoding."""
        return min(_MAX_PRINTABLE, self.printable if encoding in _ASCII else self.readable)


def byte_histogram_of(files: Iterable[tuple[bytes, Weights]]) -> ByteHistogram:
    """The byte histogram of some files, given with their weights."""
    import numpy

    counts: Any = numpy.zeros(256)
    size = 0
    for data, weights in files:
        size = max(size, len(data))
        values = numpy.frombuffer(data, numpy.uint8)
        counts += numpy.bincount(values, weights=numpy.diff(weights.sums), minlength=256) / UNIT
    total = float(counts.sum())
    if not total:
        return ByteHistogram(0.0, 0.0, 0.0, size)
    shares = counts[counts > 0] / total
    return ByteHistogram(
        bits=float(max(0.0, -(shares * numpy.log2(shares)).sum())),
        printable=float(counts[_shown("ascii")].sum() / total),
        readable=float(counts[_shown("latin-1")].sum() / total),
        size=size,
    )


def _shown(encoding: str) -> list[int]:
    return [byte for byte in range(256) if is_printable(bytes([byte]).decode(encoding, "replace").replace("�", "\0"))]
