# SPDX-License-Identifier: MIT
# /// candidate
# style = "stack"
# generator = "planted"
# license = "MIT"
# ///
"""Planted, wrong: a list directly inside a list is taken for a leaf."""

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
        if isinstance(value, dict) and value:
            stack.extend((f"{path}.{key.translate(_ESCAPES)}", inner) for key, inner in reversed(value.items()))
        elif isinstance(value, list) and value:
            for index, inner in reversed(list(enumerate(value))):
                if isinstance(inner, list):
                    flat[f"{path}[{index}]"] = inner  # the fault
                else:
                    stack.append((f"{path}[{index}]", inner))
        else:
            flat[path] = value
    return flat
