# SPDX-License-Identifier: MIT
"""What the right answer to toposort_stable is: an order that is compared, or a cycle that is checked.

Trusted: this file is loaded by the judge only and never enters a candidate's process.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from hypothesis import strategies as st

Kwargs = dict[str, Any]
Call = Callable[..., Any]
RAISES = (ValueError,)


def reference(tasks: list[str], edges: list[list[str]]) -> dict[str, list[str]]:
    """The smallest order (Kahn, with a heap), or a cycle."""
    after: dict[str, list[str]] = {task: [] for task in tasks}
    if len(after) < len(tasks):
        raise ValueError("a task is named twice")
    waits = dict.fromkeys(tasks, 0)
    for first, second in edges:
        if first not in after or second not in after:
            raise ValueError(f"the edge [{first!r}, {second!r}] has an unknown task")
        after[first].append(second)
        waits[second] += 1
    ready = [task for task in tasks if not waits[task]]
    heapq.heapify(ready)
    order: list[str] = []
    while ready:
        task = heapq.heappop(ready)
        order.append(task)
        for other in after[task]:
            waits[other] -= 1
            if not waits[other]:
                heapq.heappush(ready, other)
    if len(order) == len(tasks):
        return {"order": order}
    return {"cycle": _cycle(set(tasks) - set(order), edges)}


def _cycle(left: set[str], edges: list[list[str]]) -> list[str]:
    """A cycle among tasks that all wait for one of themselves: backwards until a task comes again."""
    before = {second: first for first, second in edges if first in left and second in left}
    seen: dict[str, int] = {}
    task = min(left)
    while task not in seen:
        seen[task] = len(seen)
        task = before[task]
    found = [one for one, place in seen.items() if place >= seen[task]][::-1]
    start = found.index(min(found))
    return found[start:] + found[:start]


def accept(kwargs: Kwargs, answer: Any) -> bool:
    """Whether an answer is the smallest order, or a cycle of the graph where there is no order."""
    right = reference(**kwargs)
    if "order" in right:
        return bool(answer == right)
    if not (isinstance(answer, dict) and list(answer) == ["cycle"] and isinstance(answer["cycle"], list)):
        return False
    cycle = answer["cycle"]
    if not cycle or not all(isinstance(task, str) for task in cycle) or len(set(cycle)) < len(cycle):
        return False
    edges = {(first, second) for first, second in kwargs["edges"]}
    return all(pair in edges for pair in pairwise([*cycle, cycle[0]]))


_NAMES = st.sampled_from(
    ["a", "b", "c", "d", "e", "B", "aa", "ab", "10", "9", "\u00e9", "z\u0301", "task 1", "task 10"]
)


@st.composite
def _questions(draw: st.DrawFn) -> Kwargs:
    tasks = draw(st.lists(_NAMES, unique=True, max_size=9))
    some = st.sampled_from(tasks) if tasks else _NAMES
    pairs = draw(st.lists(st.tuples(some, some), max_size=12))
    kind = draw(st.sampled_from(["order", "order", "order", "any", "unknown", "twice"]))
    edges = [list(pair) for pair in pairs]
    if kind == "order":  # only from earlier to later ones, so there is an order
        edges = [sorted(edge, key=tasks.index) for edge in edges if edge[0] != edge[1]] if tasks else []
    elif kind == "unknown":
        edges.append([*draw(st.permutations(["nowhere", draw(some)]))])
    elif kind == "twice" and tasks:
        tasks = [*tasks, draw(some)]
    return {"tasks": tasks, "edges": edges}


def inputs() -> st.SearchStrategy[Kwargs]:
    """Small graphs with and without an order, unknown tasks, tasks named twice."""
    return _questions()


def edges() -> list[Kwargs]:
    """Long chains, many tasks without edges, several cycles, names that sort unlike numbers."""
    many = [f"t{number:05d}" for number in range(20_000)]
    ring = [[one, other] for one, other in pairwise([*many[:3_000], many[0]])]
    return [
        {"tasks": many, "edges": []},
        {"tasks": many[::-1], "edges": [[one, other] for one, other in pairwise(many)]},
        {"tasks": many, "edges": [[other, one] for one, other in pairwise(many)]},
        {"tasks": many[:3_000], "edges": ring},
        {"tasks": many[:200], "edges": [[many[0], other] for other in many[1:200]] * 3},
        {"tasks": ["10", "9", "1"], "edges": []},
        {"tasks": ["b", "a", "c"], "edges": [["a", "b"], ["b", "a"], ["c", "c"]]},
        {"tasks": ["x", "p", "q", "r"], "edges": [["p", "q"], ["q", "r"], ["r", "q"], ["r", "x"]]},
        {"tasks": ["kiwi", "lime", "plum", "pear", "fig"],
         "edges": [["kiwi", "lime"], ["lime", "kiwi"], ["plum", "pear"], ["pear", "plum"], ["fig", "kiwi"]]},
        {"tasks": ["a", "a"], "edges": []},
        {"tasks": ["a"], "edges": [["a", "b"]]},
        {"tasks": [], "edges": [["a", "b"]]},
        {"tasks": ["", " ", "\n", "\U0001f600", "\ud800"], "edges": [["\U0001f600", ""]]},
    ]  # fmt: skip


def workload(size: int, rng: random.Random) -> Kwargs:
    """`size` tasks with three edges each, from earlier to later in a secret order."""
    tasks = [f"{rng.randrange(16**6):06x}-{number}" for number in range(size)]
    edges = [sorted(rng.sample(range(size), 2)) for _ in range(3 * size)]
    shuffled = rng.sample(tasks, size)
    return {"tasks": tasks, "edges": [[shuffled[one], shuffled[other]] for one, other in edges]}


def _order(call: Call, kwargs: Kwargs) -> list[str] | None:
    """The order of a graph that has one."""
    answer = call(**kwargs)
    return answer["order"] if isinstance(answer, dict) and isinstance(answer.get("order"), list) else None


def _has_order(kwargs: Kwargs) -> bool:
    try:
        return "order" in reference(**kwargs)
    except ValueError:
        return False


def the_order_of_the_input_does_not_matter(call: Call, kwargs: Kwargs, rng: random.Random) -> str | None:
    """Shuffled tasks and edges give the same order."""
    if not _has_order(kwargs):
        return None
    shuffled = {name: rng.sample(value, len(value)) for name, value in kwargs.items()}
    first, second = _order(call, kwargs), _order(call, shuffled)
    return None if first == second else f"shuffled input: expected {first}, got {second}"


def an_implied_edge_changes_nothing(call: Call, kwargs: Kwargs, rng: random.Random) -> str | None:
    """The edge from a task to one after the next, along two edges, is implied."""
    pairs = [(one, other) for one in kwargs["edges"] for other in kwargs["edges"] if one[1] == other[0]]
    if not pairs or not _has_order(kwargs):
        return None
    (first, _), (_, last) = rng.choice(pairs)
    more = {**kwargs, "edges": [*kwargs["edges"], [first, last]]}
    expected, found = _order(call, kwargs), _order(call, more)
    return None if expected == found else f"with the implied edge {[first, last]}: expected {expected}, got {found}"


PROPERTIES = (the_order_of_the_input_does_not_matter, an_implied_edge_changes_nothing)
"""Each is called with (call, kwargs, rng) and returns None or a sentence saying what is violated."""
