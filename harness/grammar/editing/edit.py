"""Primitive edits: the four changes that operations consist of; they apply to a value and to its YAML text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from harness.grammar.editing.frozen import FrozenDict, FrozenList
from harness.grammar.editing.path import Path


@dataclass(frozen=True, slots=True)
class Put:
    """Set a key of a mapping, or replace an existing element of a list."""

    path: Path
    value: Any


@dataclass(frozen=True, slots=True)
class Insert:
    """Insert an element into a list before the path's index; an index equal to the length appends."""

    path: Path
    value: Any


@dataclass(frozen=True, slots=True)
class Remove:
    """Remove a key or an element."""

    path: Path


@dataclass(frozen=True, slots=True)
class Rename:
    """Rename a key of a mapping; its position stays."""

    path: Path
    name: str


Edit: TypeAlias = Put | Insert | Remove | Rename


def apply_edit(document: Any, edit: Edit) -> Any:
    """Return a frozen document with one edit applied; unchanged parts are shared with the original.

    Raises:
        KeyError, IndexError: if the path does not exist; callers check that first.
    """
    path = edit.path
    match edit:
        case Put():
            return _within(document, path, lambda parent, key: _put(parent, key, edit.value))
        case Insert():
            return _within(document, path, lambda parent, key: FrozenList((*parent[:key], edit.value, *parent[key:])))
        case Remove():
            return _within(document, path, _remove)
        case Rename():
            return _within(
                document,
                path,
                lambda parent, key: FrozenDict((edit.name if k == key else k, v) for k, v in parent.items()),
            )


def get(document: Any, path: Path) -> Any:
    """Return the value at a path.

    Raises:
        KeyError, IndexError: if the path does not exist.
    """
    for part in path:
        fits = isinstance(document, dict) if isinstance(part, str) else isinstance(document, list)
        if not fits:
            raise KeyError(part)
        document = document[part]
    return document


def _within(document: Any, path: Path, change: Callable[[Any, Any], Any]) -> Any:
    key = path[0]
    if len(path) == 1:
        return change(document, key)
    inner = _within(document[key], path[1:], change)
    return _put(document, key, inner)


def _put(parent: Any, key: Any, value: Any) -> Any:
    if isinstance(parent, dict):
        return FrozenDict({**parent, key: value})
    made = list(parent)
    made[key] = value
    return FrozenList(made)


def _remove(parent: Any, key: Any) -> Any:
    if isinstance(parent, dict):
        return FrozenDict((k, v) for k, v in parent.items() if k != key)
    return FrozenList((*parent[:key], *parent[key + 1 :]))
