"""Canonical JSON: each value has one encoding, so that equal events have equal hashes on every machine."""

from __future__ import annotations

import json
import math
from typing import Any

MAX_DEPTH = 64  # maximum nesting of lists and records

_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def encode(value: Any) -> bytes:
    """Encode a JSON value: sorted keys, no spaces, ASCII, shortest floats that round-trip.

    Strings are not normalized; call `normalize` for values from elsewhere first.

    Raises:
        ValueError: for NaN, an infinity, or a value nested deeper than Python's recursion limit.
        TypeError: for a type that JSON does not have.
    """
    try:
        return _ENCODER.encode(value).encode("ascii")
    except RecursionError:
        raise ValueError("nested too deeply") from None


def decode(data: bytes | str) -> Any:
    """Decode JSON.

    Raises:
        ValueError: if it is not valid JSON.
    """
    try:
        return json.loads(data)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def normalize(value: Any) -> Any:
    """Normalize a JSON value from elsewhere: no half surrogate pairs, no negative zero, no NaN, limited depth.

    Strings keep their code points.

    Raises:
        ValueError: if the value has no normal form; the message names the place in the value.
    """
    return _normalize(value, "$", 0)


def _normalize(value: Any, path: str, depth: int) -> Any:
    kind = type(value)
    if kind is str:
        return value if value.isascii() else _text(value, path)
    if kind is int or kind is bool or value is None:
        return value
    if kind is float:
        if not math.isfinite(value):
            raise ValueError(f"{path}: {value} is not a number JSON has")
        return value + 0.0  # -0.0 + 0.0 is 0.0
    if depth >= MAX_DEPTH:
        raise ValueError(f"{path[:200]}: nested more than {MAX_DEPTH} deep")
    if kind is list or kind is tuple:
        return [_normalize(item, f"{path}[{index}]", depth + 1) for index, item in enumerate(value)]
    if kind is dict:
        fields = {}
        for key, item in value.items():
            if type(key) is not str:
                raise ValueError(f"{path}: a key is {type(key).__name__}, not text")
            fields[_text(key, path)] = _normalize(item, f"{path}.{key[:40]}", depth + 1)
        return fields
    raise ValueError(f"{path}: {kind.__name__} is not a value of the language")


def _text(text: str, path: str) -> str:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValueError(f"{path}: half a surrogate pair at character {error.start}") from None
    return text
