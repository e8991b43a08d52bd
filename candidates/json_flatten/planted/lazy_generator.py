# SPDX-License-Identifier: MIT
# /// candidate
# style = "generator"
# generator = "planted"
# license = "MIT"
# ///
"""Planted, no answer: returns a generator of pairs where a dict was promised."""

from __future__ import annotations

_ESCAPES = str.maketrans({".": "\\.", "[": "\\[", "]": "\\]", "\\": "\\\\"})


def flatten_json(obj: dict) -> dict:
    """Map the path of every leaf to that leaf, lazily.

    >>> dict(flatten_json({"a": [{"b": 1}]}))
    {'a[0].b': 1}
    """
    if not isinstance(obj, dict):
        raise TypeError(f"obj must be a dict, not {type(obj).__name__}")

    def pairs():
        stack: list = [(key.translate(_ESCAPES), value) for key, value in reversed(obj.items())]
        while stack:
            path, value = stack.pop()
            if isinstance(value, dict) and value:
                stack.extend((f"{path}.{key.translate(_ESCAPES)}", inner) for key, inner in reversed(value.items()))
            elif isinstance(value, list) and value:
                stack.extend((f"{path}[{index}]", inner) for index, inner in reversed(list(enumerate(value))))
            else:
                yield path, value

    return pairs()  # type: ignore[return-value]  # the fault
