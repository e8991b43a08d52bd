"""Paths: positions in a grammar, as tuples: `("types", "Header", "fields", 0, "name")`."""

from __future__ import annotations

import re
from typing import Any

from harness.grammar.language.constructs import GRAMMAR

Path = tuple[str | int, ...]

ROOTS = tuple(GRAMMAR)
"""The top-level keys of a grammar that a path may start with."""
_SPECIAL = re.compile(r"[.\[\] ]")
_PART = re.compile(r"\[(?:'([^']*)'|(-?[0-9]+))\]|\.?([^.\[\] ]+)")
INDEX_LIMIT = 1_000_000


def path_to_string(path: Path) -> str:
    """Format a path as `types.Header.fields[0]`; parts with `.`, `[`, `]` or a space become `['a.b']`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif _SPECIAL.search(part):
            text += f"['{part}']"
        else:
            text += f".{part}" if text else part
    return text


def path_from_string(text: str) -> Path:
    """Parse a path; the inverse of `path_to_string`.

    Raises:
        ValueError: if the string is not a path.
    """
    parts: list[str | int] = []
    end = 0
    while end < len(text):
        found = _PART.match(text, end)
        if found is None:
            msg = f"{text!r} is not a path: unexpected input at character {end}"
            raise ValueError(msg)
        quoted, index, plain = found.groups()
        parts.append(quoted if quoted is not None else int(index) if index is not None else plain)
        end = found.end()
    if not parts:
        msg = "a path has at least one part"
        raise ValueError(msg)
    return tuple(parts)


def validate_path(path: Any) -> bool:
    """Whether it is a tuple of strings and indices that starts with a top-level key of a grammar.

    The path need not exist in any grammar.
    """
    if not isinstance(path, tuple) or not path or path[0] not in ROOTS:
        return False
    return all(isinstance(part, str) or is_index(part) for part in path) and isinstance(path[0], str)


def is_index(part: object) -> bool:
    """Whether it is a list index: an int, but not a bool; negative indices count from the end."""
    return isinstance(part, int) and not isinstance(part, bool) and abs(part) <= INDEX_LIMIT
