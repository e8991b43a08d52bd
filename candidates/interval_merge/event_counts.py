# SPDX-License-Identifier: MIT
# /// candidate
# style = "set"
# generator = "hand"
# license = "MIT"
# ///
"""Events: at each number, how many intervals begin less how many end; covered is where the running sum is positive."""

from __future__ import annotations

from collections import Counter


def merge_intervals(intervals: list[list[int]]) -> list[list[int]]:
    """Return the fewest half-open intervals that cover the same integers.

    >>> merge_intervals([[1, 3], [2, 6], [8, 10]])
    [[1, 6], [8, 10]]
    """
    change: Counter[int] = Counter()
    for start, end in intervals:
        if start > end:
            raise ValueError(f"[{start}, {end}) ends before it starts")
        change[start] += 1
        change[end] -= 1
    merged: list[list[int]] = []
    depth = 0
    for place in sorted(change):
        step = change[place]
        if step and not depth:
            merged.append([place, place])
        depth += step
        if step and not depth:
            merged[-1][1] = place
    return merged
