# SPDX-License-Identifier: MIT
# /// candidate
# style = "queue"
# generator = "planted"
# license = "MIT"
# ///
"""Planted, wrong: what became ready first comes first, not what is smallest."""

from collections import deque


def order_tasks(tasks: list[str], edges: list[list[str]]) -> dict:
    """Order tasks."""
    after: dict[str, list[str]] = {task: [] for task in tasks}
    if len(after) != len(tasks):
        raise ValueError("a task is named twice")
    opened = dict.fromkeys(tasks, 0)
    for before, then in edges:
        if before not in after or then not in after:
            raise ValueError("an edge has an unknown task")
        after[before].append(then)
        opened[then] += 1
    ready = deque(sorted(task for task in tasks if not opened[task]))  # the fault: a queue, not a heap
    order: list[str] = []
    while ready:
        task = ready.popleft()
        order.append(task)
        for then in after[task]:
            opened[then] -= 1
            if not opened[then]:
                ready.append(then)
    if len(order) == len(tasks):
        return {"order": order}
    before = {then: first for first, then in edges if opened[first] and opened[then]}
    path = [next(one for one in tasks if opened[one])]
    while before[path[-1]] not in path:
        path.append(before[path[-1]])
    return {"cycle": path[path.index(before[path[-1]]) :][::-1]}
