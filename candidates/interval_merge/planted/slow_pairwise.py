# SPDX-License-Identifier: MIT
# /// candidate
# style = "scan"
# generator = "planted"
# license = "MIT"
# ///
"""Planted, slow: each interval is compared with all that were kept."""


def merge_intervals(intervals: list[list[int]]) -> list[list[int]]:
    """Merge intervals."""
    kept: list[list[int]] = []
    for start, end in intervals:
        if start > end:
            raise ValueError("ends before it starts")
        if start == end:
            continue
        apart = []
        for low, high in kept:  # the fault
            if high < start or end < low:
                apart.append([low, high])
            else:
                start, end = min(start, low), max(end, high)
        kept = [*apart, [start, end]]
    return sorted(kept)
