# SPDX-License-Identifier: MIT
# /// candidate
# style = "sort"
# generator = "planted"
# license = "MIT"
# ///
"""Planted, wrong: intervals that only touch stay apart."""


def merge_intervals(intervals: list[list[int]]) -> list[list[int]]:
    """Merge intervals."""
    merged: list[list[int]] = []
    for start, end in sorted(intervals):
        if start > end:
            raise ValueError("ends before it starts")
        if start == end:
            continue
        if merged and start < merged[-1][1]:  # the fault
            merged[-1][1] = max(merged[-1][1], end)
        else:
            merged.append([start, end])
    return merged
