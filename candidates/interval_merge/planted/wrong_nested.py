# SPDX-License-Identifier: MIT
# /// candidate
# style = "sort"
# generator = "planted"
# license = "MIT"
# ///
"""Planted, wrong: an interval inside another one shortens it."""


def merge_intervals(intervals: list[list[int]]) -> list[list[int]]:
    """Merge intervals."""
    merged: list[list[int]] = []
    for start, end in sorted(intervals):
        if start > end:
            raise ValueError("ends before it starts")
        if start == end:
            continue
        if merged and start <= merged[-1][1]:
            merged[-1][1] = end  # the fault
        else:
            merged.append([start, end])
    return merged
