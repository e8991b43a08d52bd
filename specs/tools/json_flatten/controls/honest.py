# SPDX-License-Identifier: MIT
"""Honest control: the description, followed step by step. A judge that rejects it is broken."""


def flatten_json(obj: dict) -> dict:
    """Map the path of every leaf of a JSON object to that leaf.

    >>> flatten_json({"a": [{"b": 1}]})
    {'a[0].b': 1}
    """
    if not isinstance(obj, dict):
        raise TypeError("obj must be a dict")
    flat: dict = {}
    waiting = [(_escaped(key), value) for key, value in reversed(obj.items())]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, dict) and value:
            waiting.extend((f"{path}.{_escaped(key)}", inner) for key, inner in reversed(value.items()))
        elif isinstance(value, list) and value:
            waiting.extend((f"{path}[{index}]", value[index]) for index in reversed(range(len(value))))
        else:
            flat[path] = value
    return flat


def _escaped(key: str) -> str:
    return "".join("\\" + character if character in ".[]\\" else character for character in key)
