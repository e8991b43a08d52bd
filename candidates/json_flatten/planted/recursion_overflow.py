# SPDX-License-Identifier: MIT
# /// candidate
# style = "recursion"
# generator = "planted"
# license = "MIT"
# ///
"""Planted, wrong: plain recursion, two frames to a level, which ends at a depth of some 500 levels."""

from __future__ import annotations

_ESCAPES = str.maketrans({".": "\\.", "[": "\\[", "]": "\\]", "\\": "\\\\"})


def _children(prefix: str, value: object, flat: dict) -> None:
    if isinstance(value, dict):
        for key, inner in value.items():
            _visit(f"{prefix}.{key.translate(_ESCAPES)}", inner, flat)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            _visit(f"{prefix}[{index}]", inner, flat)


def _visit(path: str, value: object, flat: dict) -> None:
    if isinstance(value, (dict, list)) and value:
        _children(path, value, flat)  # the fault: as deep as the input
    else:
        flat[path] = value


def flatten_json(obj: dict) -> dict:
    """Map the path of every leaf to that leaf.

    >>> flatten_json({"a": [{"b": 1}]})
    {'a[0].b': 1}
    """
    if not isinstance(obj, dict):
        raise TypeError(f"obj must be a dict, not {type(obj).__name__}")
    flat: dict = {}
    for key, value in obj.items():
        _visit(key.translate(_ESCAPES), value, flat)
    return flat
