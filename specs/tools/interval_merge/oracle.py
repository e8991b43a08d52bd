# SPDX-License-Identifier: MIT
"""What the right answer to interval_merge is: a sweep over the sorted intervals, inputs to ask about, and invariants.

Trusted: this file is loaded by the judge only and never enters a candidate's process.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

Kwargs = dict[str, Any]
Call = Callable[..., Any]
RAISES = (ValueError,)
LARGEST = 10**18


def reference(intervals: list[list[int]]) -> list[list[int]]:
    """The fewest intervals that cover the same numbers."""
    for start, end in intervals:
        if start > end:
            raise ValueError(f"the interval [{start}, {end}) ends before it starts")
    merged: list[list[int]] = []
    for start, end in sorted(one for one in intervals if one[0] < one[1]):
        if merged and start <= merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], end)
        else:
            merged.append([start, end])
    return merged


def inputs() -> st.SearchStrategy[Kwargs]:
    """Few intervals, close enough to touch, nest and repeat; now and then an invalid one."""
    near = st.tuples(st.integers(-12, 12), st.integers(0, 6)).map(lambda one: [one[0], one[0] + one[1]])
    far = st.tuples(st.integers(-LARGEST, LARGEST), st.integers(0, LARGEST)).map(lambda one: [one[0], one[0] + one[1]])
    wrong = st.tuples(st.integers(-9, 9), st.integers(1, 9)).map(lambda one: [one[0], one[0] - one[1]])
    some = st.lists(st.one_of(near, near, near, far), max_size=14)
    return st.one_of(some, some, some, st.lists(st.one_of(near, wrong), max_size=6)).map(lambda x: {"intervals": x})


def edges() -> list[Kwargs]:
    """Extremes of number, size and order."""
    many = 20_000
    found = [
        [[0, 0]] * 5,
        [[1, 2]] * 2_000,
        [[-LARGEST, LARGEST]],
        [[LARGEST - 1, LARGEST], [-LARGEST, 1 - LARGEST]],
        [[0, LARGEST], [LARGEST, LARGEST + 1]],
        [[3 * k, 3 * k + 1] for k in range(many)],
        [[3 * k, 3 * k + 1] for k in reversed(range(many))],
        [[k, k + 1] for k in range(many)],
        [[k, 2 * many - k] for k in range(many)],
        [[0, 1], [1, 1], [1, 2]],
        [[0, 1], [2, 3], [1, 2]],
        [[5, 4]],
        [[0, 9], [5, 4]],
        [[0, 10], [1, 2], [3, 12], [11, 11]],
    ]
    return [{"intervals": intervals} for intervals in found]


def workload(size: int, rng: random.Random) -> Kwargs:
    """`size` intervals in random order, of which about half merge with another one."""
    starts = [rng.randrange(20 * size) for _ in range(size)]
    return {"intervals": [[start, start + rng.randint(0, 20)] for start in starts]}


def _same(what: str, expected: object, found: object) -> str | None:
    return None if expected == found else f"{what}: expected {str(expected)[:150]}, got {str(found)[:150]}"


def _is_valid(kwargs: Kwargs) -> bool:
    return all(start <= end for start, end in kwargs["intervals"])


def the_order_does_not_matter(call: Call, kwargs: Kwargs, rng: random.Random) -> str | None:
    """Shuffled intervals give the same answer."""
    if not _is_valid(kwargs):
        return None
    shuffled = rng.sample(kwargs["intervals"], len(kwargs["intervals"]))
    return _same("the order changes nothing", call(**kwargs), call(intervals=shuffled))


def cutting_an_interval_changes_nothing(call: Call, kwargs: Kwargs, rng: random.Random) -> str | None:
    """An interval in two pieces covers the same numbers."""
    if not _is_valid(kwargs):
        return None
    pieces: list[list[int]] = []
    for start, end in kwargs["intervals"]:
        middle = rng.randint(start, end)
        pieces += [[start, middle], [middle, end]]
    return _same("cutting changes nothing", call(**kwargs), call(intervals=pieces))


def shifting_shifts_the_answer(call: Call, kwargs: Kwargs, rng: random.Random) -> str | None:
    """The same number added to all ends is added to the answer."""
    if not _is_valid(kwargs):
        return None
    by = rng.randint(-1000, 1000)
    moved = [[start + by, end + by] for start, end in kwargs["intervals"]]
    expected = [[start + by, end + by] for start, end in call(**kwargs)]
    return _same(f"adding {by} to all ends", expected, call(intervals=moved))


PROPERTIES = (the_order_does_not_matter, cutting_an_interval_changes_nothing, shifting_shifts_the_answer)
"""Each is called with (call, kwargs, rng) and returns None or a sentence saying what is violated."""
