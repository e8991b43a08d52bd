# SPDX-License-Identifier: MIT
# /// candidate
# style = "sort"
# generator = "hand"
# license = "MIT"
# ///
"""A sweep: the intervals by their start, each merged into the last one or put behind it."""

from __future__ import annotations


def merge_intervals(intervals: list[list[int]]) -> list[list[int]]:
    """Return the fewest half-open intervals that cover the same integers.

    >>> merge_intervals([[2, 5], [0, 2]])
    [[0, 5]]
    """
    merged: list[list[int]] = []
    last = None
    for start, end in sorted(intervals):
        if start >= end:
            if start > end:
                raise ValueError(f"[{start}, {end}) ends before it starts")
        elif last is not None and start <= last[1]:
            if end > last[1]:
                last[1] = end
        else:
            last = [start, end]
            merged.append(last)
    return merged
