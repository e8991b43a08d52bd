"""Guarding: numbers that turn out to be the checksum of bytes before them."""

from __future__ import annotations

from collections.abc import Sequence

from harness.grammar.checksums import ALGORITHMS

WIDTHS = {1: ("xor8", "sum8"), 2: ("crc16", "sum16", "fletcher16"), 4: ("crc32", "adler32", "crc32c", "sum32")}
MIN_MATCH_BITS = 40
"""A match of so many bits in all is no accident."""
MAX_TESTED = 24
"""Instances that are tested; the first that fails ends an idea."""
MAX_BYTES = 1 << 20


def checksum_of(rows: Sequence[bytes], sums: Sequence[bytes], starts: Sequence[int]) -> tuple[str, int, bool] | None:
    """Find what a number is the checksum of.

    Args:
        rows: For each instance the bytes before the number.
        sums: For each instance the number's bytes.
        starts: Where in the rows what is summed may begin; it always ends at the number.

    Returns:
        Algorithm, start, and whether the number is big-endian; None if nothing fits.
    """
    width = len(sums[0]) if sums else 0
    pairs = [(row, value) for row, value in zip(rows, sums, strict=True) if len(row) <= MAX_BYTES]
    # Constant sums of constant bytes prove nothing, so each different pair counts once.
    pairs = list(dict.fromkeys(pairs))[:MAX_TESTED]
    if width not in WIDTHS or len(pairs) * 8 * width < MIN_MATCH_BITS:
        return None
    for name in WIDTHS[width]:
        compute = ALGORITHMS[name]
        for start in starts:
            for big in (True, False) if width > 1 else (True,):
                order = "big" if big else "little"
                if all(
                    len(row) > start and compute(row[start:]).to_bytes(width, order) == value  # type: ignore[arg-type]
                    for row, value in pairs
                ):
                    return name, start, big
    return None
