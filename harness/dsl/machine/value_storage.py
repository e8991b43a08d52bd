"""Stored form of values: undefined values are marked, large ones are in blobs."""

from __future__ import annotations

from typing import Any, Protocol

from harness.dsl.eventlog.blobs import MAX_INLINE_BYTES
from harness.dsl.eventlog.canonical import decode, encode
from harness.dsl.eventlog.fault import LogError
from harness.dsl.values import Undefined, Value

# A record's key that begins with "$" is stored with another "$", so a mark is unambiguous.
_UNDEFINED, _TEXT, _JSON = "$undefined", "$text", "$json"


class BlobStore(Protocol):
    """Content-addressed storage of values that are too large for an event."""

    def put(self, data: bytes) -> bytes:
        """Store bytes and return their address."""

    def get(self, name: bytes) -> bytes:
        """Return the bytes of an address."""


def store_value(value: Value, blobs: BlobStore) -> Any:
    """Convert a value to JSON for an event.

    Raises:
        TypeError: if it is not a value of the language.
    """
    kind = type(value)
    if kind is str:
        if len(value) <= MAX_INLINE_BYTES:
            return value
        return {_TEXT: blobs.put(value.encode("utf-8")).hex()}
    if kind is int or kind is bool or kind is float:
        return value
    plain = _plain(value)
    if kind is list or kind is dict or kind is tuple:
        body = encode(plain)
        if len(body) > MAX_INLINE_BYTES:
            return {_JSON: blobs.put(body).hex()}
    return plain


def restore_value(data: Any, blobs: BlobStore) -> Value:
    """The inverse of `store_value`.

    Raises:
        LogError: if a blob is missing or damaged.
    """
    if type(data) is dict and len(data) == 1:
        mark, content = next(iter(data.items()))
        if mark == _UNDEFINED:
            return Undefined(content)
        if mark in (_TEXT, _JSON):
            try:
                body = blobs.get(bytes.fromhex(content))
            except (KeyError, ValueError) as error:
                raise LogError(f"a large value is missing: {error}", fix="restore a copy of the log") from error
            return body.decode("utf-8") if mark == _TEXT else _value(decode(body))
    return _value(data)


def _plain(value: Value) -> Any:
    kind = type(value)
    if kind is Undefined:
        return {_UNDEFINED: value.reason}
    if kind is list or kind is tuple:
        return [_plain(item) for item in value]
    if kind is dict:
        return {"$" + key if key.startswith("$") else key: _plain(item) for key, item in value.items()}
    if kind is str or kind is int or kind is float or kind is bool or value is None:
        return value
    raise TypeError(f"{kind.__name__} is not a value of the language")


def _value(data: Any) -> Value:
    if type(data) is list:
        return [_value(item) for item in data]
    if type(data) is dict:
        if len(data) == 1 and _UNDEFINED in data:
            return Undefined(data[_UNDEFINED])
        return {key[1:] if key.startswith("$") else key: _value(item) for key, item in data.items()}
    return data
