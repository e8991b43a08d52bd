"""Canonical JSON: one spelling for each value, so that equal events have equal hashes on every machine."""

from __future__ import annotations

import json
import math
import unicodedata
from typing import Any

MAX_DEPTH = 64
"""Levels of lists and records inside a value."""

_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def encode(value: Any) -> bytes:
    """The canonical bytes of a JSON value: keys sorted, no spaces, ASCII, shortest floats that read back the same.

    Strings are taken as they are; `normalize` brings foreign values into normal form first.

    Raises:
        ValueError: for NaN, an infinity or a value deeper than Python can follow.
        TypeError: for what JSON cannot say.
    """
    try:
        return _ENCODER.encode(value).encode("ascii")
    except RecursionError:
        raise ValueError("nested too deeply") from None


def decode(data: bytes | str) -> Any:
    """The value of canonical bytes.

    Raises:
        ValueError: if it is not JSON.
    """
    try:
        return json.loads(data)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def normalize(value: Any) -> Any:
    """A foreign JSON value as programs see it: text in Unicode's NFC, no negative zero, no NaN, not too deep.

    Raises:
        ValueError: if there is no such form; the message says where in the value.
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
    return unicodedata.normalize("NFC", text)
