# SPDX-License-Identifier: MIT
# /// candidate
# style = "set"
# generator = "planted"
# license = "MIT"
# ///
"""Planted, flaky: which cycle is found depends on the order of a set of strings."""

from __future__ import annotations

from heapq import heapify, heappop, heappush


def order_tasks(tasks: list[str], edges: list[list[str]]) -> dict:
    """Return the smallest order of the tasks, or a cycle.

    >>> order_tasks(["a", "b", "c"], [["c", "a"]])
    {'order': ['b', 'c', 'a']}
    """
    after: dict[str, list[str]] = {task: [] for task in tasks}
    if len(after) != len(tasks):
        raise ValueError("a task is named twice")
    opened = dict.fromkeys(tasks, 0)
    try:
        for before, then in edges:
            after[before].append(then)
            opened[then] += 1
    except KeyError as error:
        raise ValueError(f"an edge has the unknown task {error}") from None
    ready = [task for task, count in opened.items() if not count]
    heapify(ready)
    order: list[str] = []
    while ready:
        task = heappop(ready)
        order.append(task)
        for then in after[task]:
            opened[then] -= 1
            if opened[then] == 0:
                heappush(ready, then)
    if len(order) == len(tasks):
        return {"order": order}
    return {"cycle": _find_cycle(tasks, edges, opened)}


def _find_cycle(tasks: list[str], edges: list[list[str]], opened: dict[str, int]) -> list[str]:
    """Each task that is left waits for one that is left: go back until one comes again."""
    before = {then: first for first, then in edges if opened[first] and opened[then]}
    task = next(iter({one for one in tasks if opened[one]}))  # the fault
    places: dict[str, int] = {}
    path: list[str] = []
    while task not in places:
        places[task] = len(path)
        path.append(task)
        task = before[task]
    return path[places[task] :][::-1]
