# SPDX-License-Identifier: MIT
# /// candidate
# style = "stack"
# generator = "planted"
# license = "MIT"
# ///
"""Planted, wrong: keys are not escaped, so {"a.b": 1} and {"a": {"b": 1}} collide."""

from __future__ import annotations


def flatten_json(obj: dict) -> dict:
    """Map the path of every leaf to that leaf.

    >>> flatten_json({"a": [{"b": 1}]})
    {'a[0].b': 1}
    """
    if not isinstance(obj, dict):
        raise TypeError(f"obj must be a dict, not {type(obj).__name__}")
    flat: dict = {}
    stack: list = list(reversed(obj.items()))
    while stack:
        path, value = stack.pop()
        if isinstance(value, dict) and value:
            stack.extend((f"{path}.{key}", inner) for key, inner in reversed(value.items()))  # the fault
        elif isinstance(value, list) and value:
            stack.extend((f"{path}[{index}]", inner) for index, inner in reversed(list(enumerate(value))))
        else:
            flat[path] = value
    return flat
