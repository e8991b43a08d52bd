# SPDX-License-Identifier: MIT
# /// candidate
# style = "generator"
# generator = "hand"
# license = "MIT"
# ///
"""A recursive generator on a trampoline.

`_walk` is written as plain recursion, but where it would call itself it yields the call instead; `flatten_json` keeps
the suspended generators in a list. So the depth of the input costs heap, not interpreter stack, and a leaf is handed
over once instead of through every level above it.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any


def _escape(key: str) -> str:
    """Put a backslash before the characters that have a meaning in a path."""
    if "\\" in key:
        key = key.replace("\\", "\\\\")
    for special in ".[]":
        if special in key:
            key = key.replace(special, "\\" + special)
    return key


def _walk(prefix: str, value: Any, flat: dict[str, Any]) -> Generator[Generator]:
    """Write the leaves at `prefix` to `flat`; yield a generator for each part that has to be walked first."""
    if isinstance(value, dict):
        parts = ((f"{prefix}.{_escape(key)}", inner) for key, inner in value.items())
    else:
        parts = ((f"{prefix}[{index}]", inner) for index, inner in enumerate(value))
    for path, inner in parts:
        if inner and isinstance(inner, (dict, list)):
            yield _walk(path, inner, flat)
        else:
            flat[path] = inner


def flatten_json(obj: dict) -> dict:
    """Map the path of every leaf of a JSON object to that leaf.

    >>> flatten_json({"user": {"tags": ["x", ["y"]]}, "empty": {}})
    {'user.tags[0]': 'x', 'user.tags[1][0]': 'y', 'empty': {}}
    """
    if not isinstance(obj, dict):
        raise TypeError(f"obj must be a dict, not {type(obj).__name__}")
    flat: dict[str, Any] = {}
    for key, value in obj.items():
        if not value or not isinstance(value, (dict, list)):
            flat[_escape(key)] = value
            continue
        suspended = [_walk(_escape(key), value, flat)]
        while suspended:
            deeper = next(suspended[-1], None)
            if deeper is None:
                suspended.pop()
            else:
                suspended.append(deeper)
    return flat
