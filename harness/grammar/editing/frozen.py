"""Frozen JSON values: immutable mappings and lists, which can share structure safely."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NoReturn

MAX_DEPTH = 64  # maximum nesting of a document; deeper values are refused before any function recurses over them


def _refuse(self: object, *_args: object, **_kwargs: object) -> NoReturn:
    msg = f"{type(self).__name__} cannot be changed; `unfreeze` gives a copy that can"
    raise TypeError(msg)


class FrozenDict(dict[str, Any]):
    """An immutable mapping; equal to a dict with the same items."""

    __slots__ = ()
    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(_canonical(self))

    def __copy__(self) -> FrozenDict:
        return self

    def __deepcopy__(self, _memo: dict[int, Any]) -> dict[str, Any]:
        """Return a plain, mutable copy: a deep copy is made to be changed."""
        value: dict[str, Any] = unfreeze(self)
        return value

    def __reduce__(self) -> tuple[Any, ...]:
        return freeze, (dict(self),)


class FrozenList(list[Any]):
    """An immutable list; equal to a list with the same elements."""

    __slots__ = ()
    __setitem__ = __delitem__ = __iadd__ = __imul__ = _refuse
    append = clear = extend = insert = pop = remove = reverse = sort = _refuse

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(_canonical(self))

    def __copy__(self) -> FrozenList:
        return self

    def __deepcopy__(self, _memo: dict[int, Any]) -> list[Any]:
        value: list[Any] = unfreeze(self)
        return value

    def __reduce__(self) -> tuple[Any, ...]:
        return freeze, (list(self),)


def freeze(value: Any, *, depth: int = 0) -> Any:
    """Return a deeply frozen copy of a JSON value; parts that are frozen already are shared.

    Raises:
        ValueError: if it is not JSON (a set, bytes, an object, NaN) or nested deeper than `MAX_DEPTH`.
    """
    kind = type(value)
    if kind is FrozenDict or kind is FrozenList or value is None or kind in (str, int, bool):
        return value
    if depth > MAX_DEPTH:
        msg = f"a value is nested deeper than {MAX_DEPTH} levels"
        raise ValueError(msg)
    if isinstance(value, Mapping):
        return FrozenDict((_key(key), freeze(inner, depth=depth + 1)) for key, inner in value.items())
    if isinstance(value, list | tuple):
        return FrozenList(freeze(inner, depth=depth + 1) for inner in value)
    if isinstance(value, float) and value - value == 0:
        return value
    msg = f"{value!r:.60} is not a JSON value"
    raise ValueError(msg)


def _key(key: object) -> str:
    # YAML readers turn keys such as 0x0001 into integers; the author means the string.
    if isinstance(key, str):
        return key
    if isinstance(key, int) and not isinstance(key, bool):
        return str(key)
    msg = f"{key!r:.60} is not a key: keys are strings"
    raise ValueError(msg)


def unfreeze(value: Any) -> Any:
    """Return a copy made of plain dicts and lists."""
    if isinstance(value, dict):
        return {key: unfreeze(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [unfreeze(inner) for inner in value]
    return value


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
