"""Checksum detection: numbers that equal a checksum of the bytes before them."""

from __future__ import annotations

from collections.abc import Sequence

from harness.grammar.checksums import ALGORITHMS

WIDTHS = {1: ("xor8", "sum8"), 2: ("crc16", "sum16", "fletcher16"), 4: ("crc32", "adler32", "crc32c", "sum32")}
MIN_MATCH_BITS = 40  # minimum number of matching bits of a detected checksum
MAX_TESTED = 24  # maximum number of tested instances; the first mismatch rejects a candidate
MAX_BYTES = 1 << 20


def checksum_of(rows: Sequence[bytes], sums: Sequence[bytes], starts: Sequence[int]) -> tuple[str, int, bool] | None:
    """Find the algorithm and the range of a checksum.

    Args:
        rows: Per instance, the bytes before the number.
        sums: Per instance, the bytes of the number.
        starts: Possible start offsets of the checksummed range in the rows; its end is the number.

    Returns:
        Algorithm, start, and whether the number is big-endian; None if there is no match.
    """
    width = len(sums[0]) if sums else 0
    pairs = [(row, value) for row, value in zip(rows, sums, strict=True) if len(row) <= MAX_BYTES]
    # Constant checksums of constant bytes prove nothing, so each distinct pair counts once.
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
