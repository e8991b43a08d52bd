"""Alphabet: what the bytes of some files look like without any structure: what any idea about them must beat."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from harness.grammar.engine.byte_weights import UNIT, Weights
from harness.grammar.engine.tally import is_printable

_ASCII = ("ascii", "utf-8", "utf-16-le", "utf-16-be")
_MOST = 0.97
"""Even where every byte is printable, a little is left to be said."""


@dataclass(frozen=True, slots=True)
class ByteHistogram:
    """Statistics of bytes, each counted by its weight.

    Attributes:
        bits: Of one byte, taken alone: its entropy, which any code without structure reaches.
        printable: The share that is printable ASCII.
        readable: The share that is printable in an encoding that gives most bytes a meaning.
        size: Bytes of the largest file: no length or place is beyond.
    """

    bits: float
    printable: float
    readable: float
    size: int

    def chance(self, encoding: str) -> float:
        """How often a byte is printable where nobody meant a text."""
        return min(_MOST, self.printable if encoding in _ASCII else self.readable)


def byte_histogram_of(files: Iterable[tuple[bytes, Weights]]) -> ByteHistogram:
    """The alphabet of some files."""
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
