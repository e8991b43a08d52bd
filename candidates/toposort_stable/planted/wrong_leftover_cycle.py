# SPDX-License-Identifier: MIT
# /// candidate
# style = "set"
# generator = "planted"
# license = "MIT"
# ///
"""Planted, wrong: all tasks that are left are called a cycle, also those that only wait for one."""

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
    return {"cycle": sorted(set(tasks) - set(order))}  # the fault


