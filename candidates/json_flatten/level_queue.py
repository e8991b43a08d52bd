# SPDX-License-Identifier: MIT
# /// candidate
# style = "queue"
# generator = "hand"
# license = "MIT"
# ///
"""Breadth first: each round takes all containers of one level and makes the next level of them.

Paths are kept as a chain of parts, (parent chain, own part), and joined only for leaves, so containers share their
beginnings instead of copying them. Leaves of one container share the joined beginning.
"""

from __future__ import annotations

from collections import deque
from typing import Any

_SPECIAL = frozenset(".[]\\")


def _escaped(key: str) -> str:
    if _SPECIAL.isdisjoint(key):
        return key
    return "".join("\\" + character if character in _SPECIAL else character for character in key)


def _joined(chain: tuple | None) -> str:
    """The text of a chain of parts, which is linked from its end to its beginning."""
    parts: list[str] = []
    while chain is not None:
        chain, part = chain
        parts.append(part)
    parts.reverse()
    return "".join(parts)


def flatten_json(obj: dict) -> dict:
    """Map the path of every leaf of a JSON object to that leaf; leaves nearer to the root come first.

    >>> flatten_json({"deep": {"er": [True]}, "top": 1})
    {'top': 1, 'deep.er[0]': True}
    """
    if not isinstance(obj, dict):
        raise TypeError(f"obj must be a dict, not {type(obj).__name__}")
    flat: dict[str, Any] = {}
    queue: deque[tuple[tuple | None, dict | list]] = deque([(None, obj)])
    while queue:
        for _ in range(len(queue)):  # one level
            chain, container = queue.popleft()
            if isinstance(container, dict):
                dot = "" if chain is None else "."
                parts = [(dot + _escaped(key), value) for key, value in container.items()]
            else:
                parts = [(f"[{index}]", value) for index, value in enumerate(container)]
            beginning: str | None = None
            for part, value in parts:
                if isinstance(value, (dict, list)) and value:
                    queue.append(((chain, part), value))
                    continue
                if beginning is None:
                    beginning = _joined(chain)
                flat[beginning + part] = value
    return flat
