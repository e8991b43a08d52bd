# SPDX-License-Identifier: MIT
# /// candidate
# style = "stream"
# generator = "hand"
# license = "MIT"
# ///
"""Serialise the object, then read its JSON text as a stream of lexemes, as a streaming parser would.

The state is the text of the open containers' paths and, for each, the next list index (or -1 in a dict).
Nothing of the object itself is visited: what is flattened is its text.
"""

from __future__ import annotations

import json
import re
from typing import Any

# Either a string, possibly a key (then with its colon), or an empty container, a bracket, a comma or a bare scalar.
_LEXEME = r'"[^"\\]*(?:\\.[^"\\]*)*":?|\{\}|\[\]|[\[\]{},]|[^\[\]{},":]+'
_SPECIAL = r"([.\[\]\\])"
_WORDS: dict[str, Any] = {"true": True, "false": False, "null": None}


def flatten_json(obj: dict) -> dict:
    """Map the path of every leaf of a JSON object to that leaf.

    >>> flatten_json({"a": {"x[0]": [1.5, "[]", []]}})
    {'a.x\\\\[0\\\\][0]': 1.5, 'a.x\\\\[0\\\\][1]': '[]', 'a.x\\\\[0\\\\][2]': []}
    """
    if not isinstance(obj, dict):
        raise TypeError(f"obj must be a dict, not {type(obj).__name__}")
    if not obj:
        return {}
    text = json.dumps(obj, separators=(",", ":"))
    flat: dict[str, Any] = {}
    paths: list[str] = []  # of the containers that are open
    indices: list[int] = []  # of the next item of each, -1 for a dict
    path = ""  # of the value that comes next
    for match in re.finditer(_LEXEME, text):
        lexeme = match.group()
        if lexeme == ",":
            if indices[-1] >= 0:
                indices[-1] += 1
                path = f"{paths[-1]}[{indices[-1]}]"
        elif lexeme == "{":
            paths.append(path)
            indices.append(-1)
        elif lexeme == "[":
            paths.append(path)
            indices.append(0)
            path += "[0]"
        elif lexeme == "}" or lexeme == "]":
            paths.pop()
            indices.pop()
        elif lexeme[-1] == ":" and lexeme[0] == '"':
            key = json.loads(lexeme[:-1])
            path = paths[-1] + ("." if len(paths) > 1 else "") + re.sub(_SPECIAL, r"\\\1", key)
        elif lexeme in _WORDS:
            flat[path] = _WORDS[lexeme]
        else:
            flat[path] = json.loads(lexeme)
    return flat
