# SPDX-License-Identifier: MIT
# /// candidate
# style = "stack"
# generator = "planted"
# license = "MIT"
# ///
"""Planted, wrong: the flaw of many flatteners, empty dicts and lists vanish."""

from __future__ import annotations

_ESCAPES = str.maketrans({".": "\\.", "[": "\\[", "]": "\\]", "\\": "\\\\"})


def flatten_json(obj: dict) -> dict:
    """Map the path of every leaf to that leaf.

    >>> flatten_json({"a": [{"b": 1}]})
    {'a[0].b': 1}
    """
    if not isinstance(obj, dict):
        raise TypeError(f"obj must be a dict, not {type(obj).__name__}")
    flat: dict = {}
    stack: list = [(key.translate(_ESCAPES), value) for key, value in reversed(obj.items())]
    while stack:
        path, value = stack.pop()
        if isinstance(value, dict):  # the fault: an empty one has no items, so nothing is left of it
            stack.extend((f"{path}.{key.translate(_ESCAPES)}", inner) for key, inner in reversed(value.items()))
        elif isinstance(value, list):
            stack.extend((f"{path}[{index}]", inner) for index, inner in reversed(list(enumerate(value))))
        else:
            flat[path] = value
    return flat
