# SPDX-License-Identifier: MIT
# /// candidate
# style = "stack"
# generator = "hand"
# license = "MIT"
# ///
"""Sets of open dependencies and a sorted agenda; a cycle is found by depth-first search with a stack of its own."""

from __future__ import annotations

from bisect import insort


def order_tasks(tasks: list[str], edges: list[list[str]]) -> dict:
    """Return the smallest order of the tasks, or a cycle.

    >>> order_tasks(["a", "b"], [["a", "b"], ["b", "a"]])
    {'cycle': ['a', 'b']}
    """
    needs: dict[str, set[str]] = {task: set() for task in tasks}
    followers: dict[str, list[str]] = {task: [] for task in tasks}
    if len(needs) < len(tasks):
        raise ValueError("a task is named twice")
    for before, then in edges:
        if before not in needs or then not in needs:
            raise ValueError(f"[{before!r}, {then!r}] has an unknown task")
        if before not in needs[then]:
            needs[then].add(before)
            followers[before].append(then)
    # The smallest comes last, where a list loses an item at no cost.
    agenda = sorted((task for task in tasks if not needs[task]), reverse=True)
    order: list[str] = []
    late: list[str] = []  # became ready since, ascending
    start = 0
    while agenda or start < len(late):
        if start < len(late) and (not agenda or late[start] < agenda[-1]):
            task = late[start]
            start += 1
        else:
            task = agenda.pop()
        order.append(task)
        for then in followers[task]:
            needs[then].discard(task)
            if not needs[then]:
                insort(late, then, start)
    if len(order) == len(tasks):
        return {"order": order}
    return {"cycle": _find_cycle([task for task in tasks if needs[task]], followers)}


def _find_cycle(left: list[str], followers: dict[str, list[str]]) -> list[str]:
    done: set[str] = set()
    for root in left:
        path: list[str] = []
        on_path: dict[str, int] = {}
        stack = [(root, False)]
        while stack:
            task, is_left = stack.pop()
            if is_left:
                done.add(path.pop())
                del on_path[task]
            elif task in on_path:
                return path[on_path[task] :]
            elif task not in done:
                on_path[task] = len(path)
                path.append(task)
                stack.append((task, True))
                stack.extend((then, False) for then in reversed(followers[task]))
    return []
