# SPDX-License-Identifier: MIT
# /// candidate
# style = "stack"
# generator = "hand"
# license = "MIT"
# ///
"""Depth first with an explicit stack of (path so far, value)."""

from __future__ import annotations

from typing import Any

_ESCAPES = str.maketrans({".": "\\.", "[": "\\[", "]": "\\]", "\\": "\\\\"})


def flatten_json(obj: dict) -> dict:
    """Map the path of every leaf of a JSON object to that leaf.

    >>> flatten_json({"a": [{"b": 1}, []], "c.d": None})
    {'a[0].b': 1, 'a[1]': [], 'c\\\\.d': None}
    """
    if not isinstance(obj, dict):
        raise TypeError(f"obj must be a dict, not {type(obj).__name__}")
    flat: dict[str, Any] = {}
    # Children are pushed in reverse, so that the first one is popped first and the order of leaves stays natural.
    stack: list[tuple[str, Any]] = [(key.translate(_ESCAPES), value) for key, value in reversed(obj.items())]
    while stack:
        path, value = stack.pop()
        if isinstance(value, dict) and value:
            stack.extend((f"{path}.{key.translate(_ESCAPES)}", inner) for key, inner in reversed(value.items()))
        elif isinstance(value, list) and value:
            last = len(value) - 1
            stack.extend((f"{path}[{last - back}]", inner) for back, inner in enumerate(reversed(value)))
        else:
            flat[path] = value
    return flat
