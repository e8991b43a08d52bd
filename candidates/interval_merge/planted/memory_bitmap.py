# SPDX-License-Identifier: MIT
# /// candidate
# style = "scan"
# generator = "planted"
# license = "MIT"
# ///
"""Planted, memory: one byte for each number from the first to the last."""


def merge_intervals(intervals: list[list[int]]) -> list[list[int]]:
    """Merge intervals."""
    if any(start > end for start, end in intervals):
        raise ValueError("ends before it starts")
    if not intervals:
        return []
    first, last = min(start for start, _ in intervals), max(end for _, end in intervals)
    covered = bytearray(last - first + 1)  # the fault
    for start, end in intervals:
        covered[start - first : end - first] = b"\1" * (end - start)
    merged: list[list[int]] = []
    at = covered.find(1)
    while at >= 0:
        end = covered.find(0, at)
        merged.append([first + at, first + end])
        at = covered.find(1, end)
    return merged
