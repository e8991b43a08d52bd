"""Byte histogram: statistics of the bytes of some files, which each code of a field must improve on."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from harness.grammar.engine.byte_weights import UNIT, Weights
from harness.grammar.language.encodings import accepts_random_bytes, codec, is_text, unit

# Maximum share of printable bytes: a printable string saves bits even if all bytes of the files are printable.
_MAX_PRINTABLE = 0.97


@dataclass(frozen=True, slots=True)
class ByteHistogram:
    """Statistics of the bytes of some files, each byte counted by its weight.

    Attributes:
        bits: Entropy of one byte.
        shares: Share of each of the 256 bytes.
        size: Bytes of the largest file, the maximum of each length and offset.
    """

    bits: float
    shares: tuple[float, ...]
    size: int

    def chance(self, encoding: str) -> float:
        """Probability that a byte of these files is text in an encoding."""
        if unit(encoding) > 1:
            return _MAX_PRINTABLE if accepts_random_bytes(encoding) else self.chance("ascii")
        return min(_MAX_PRINTABLE, sum(share for byte, share in enumerate(self.shares) if byte in _shown(encoding)))


def byte_histogram_of(files: Iterable[Weights]) -> ByteHistogram:
    """The byte histogram of some files, given by the weights of their bytes."""
    import numpy

    counts: Any = numpy.zeros(256)
    size = 0
    for weights in files:
        size = max(size, weights.size)
        counts += weights.by_value / UNIT
    total = float(counts.sum())
    if not total:
        return ByteHistogram(0.0, (0.0,) * 256, size)
    every, shares = counts / total, counts[counts > 0] / total
    return ByteHistogram(
        bits=float(max(0.0, -(shares * numpy.log2(shares)).sum())), shares=tuple(every.tolist()), size=size
    )


@functools.cache
def _shown(encoding: str) -> frozenset[int]:
    """The bytes that are text in an encoding; in one of several bytes per character, also its first and next bytes."""
    found = [bytes([byte]).decode(codec(encoding), "replace") for byte in range(256)]
    several = accepts_random_bytes(encoding) and len(bytes(range(128, 256)).decode(codec(encoding), "replace")) < 128
    return frozenset(b for b, c in enumerate(found) if (several if c == "\ufffd" else is_text(c)))
