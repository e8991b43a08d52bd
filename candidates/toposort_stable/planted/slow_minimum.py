# SPDX-License-Identifier: MIT
# /// candidate
# style = "scan"
# generator = "planted"
# license = "MIT"
# ///
"""Planted, slow: the smallest task that may come is searched among all of them, each time."""


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
    ready = [task for task in tasks if not opened[task]]
    order: list[str] = []
    while ready:
        task = min(ready)  # the fault
        ready.remove(task)
        order.append(task)
        for then in after[task]:
            opened[then] -= 1
            if not opened[then]:
                ready.append(then)
    if len(order) == len(tasks):
        return {"order": order}
    before_of = {then: first for first, then in edges if opened[first] and opened[then]}
    path = [next(one for one in tasks if opened[one])]
    seen = set(path)
    while before_of[path[-1]] not in seen:
        path.append(before_of[path[-1]])
        seen.add(path[-1])
    return {"cycle": path[path.index(before_of[path[-1]]) :][::-1]}
