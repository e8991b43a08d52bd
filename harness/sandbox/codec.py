"""Codec of the values that cross the box: canonical JSON with exact types. Used on both sides; standard library only.

JSON itself distinguishes str, bool, int, float, None, list and dict with string keys. Other types are tagged: a tuple
is `{"$tuple": [...]}`, a set `{"$set": [...]}`, a frozenset `{"$frozenset": [...]}`, a dictionary with a key that is
not a string `{"$dict": [[key, value], ...]}`, bytes are `{"$bytes": base64}`, an integer beyond 1,024 bits is
`{"$int": hex}` (its decimal form would take quadratic time), and a key that begins with `$` gets one more `$`. Keys and
members of sets are sorted by their encodings, so two values have equal types and contents exactly when their encodings
are equal bytes. NaN equals NaN; -0.0 differs from 0.0.

`encode_plainly` first replaces values of some other types by a list or a dictionary, for tools that ask for it.
"""

from __future__ import annotations

import _thread
import base64
import binascii
import json
import sys
from collections.abc import Callable, ItemsView, Iterable, Iterator, KeysView, Mapping, Sequence, ValuesView
from functools import partial
from itertools import chain
from typing import Any, TypeVar

PLAIN_INTEGER_LIMIT = 1 << 1024
DEEP_RECURSION_LIMIT = 6000  # while a deeply nested value is coded; the C coder needs few bytes per level
_PLAIN = frozenset({str, bool, type(None), float})
_ATOMS = (str, bytes, bytearray, memoryview)  # sequences that are one value, not a list of values
_LAZY = (Iterator, KeysView, ValuesView, ItemsView)
FORMS = frozenset({"sequences", "mappings", "iterators"})
MAX_ITEMS = 1 << 20  # items of an answer that come from other types than list, tuple and dict; some never end

_CONTAINERS = frozenset({list, tuple, dict, set, frozenset})
_SETS: dict[type, str] = {set: "$set", frozenset: "$frozenset"}
_INTEGERS, _LISTS = frozenset({int}), frozenset({list})
_MANY = 1 << 14  # containers after which a value in which parts occur more than once is measured
_MAX_EQUAL_HASHES = 64  # decoded keys of one container: more make a table quadratic, and only design makes them
_MAX_PARTS = 1 << 23  # of a value that is written out: each takes two of the 16 MB that an answer may have

_T = TypeVar("_T")


class CodecError(ValueError):
    """The value, or the bytes, cannot be encoded or decoded."""


# No value that contains itself comes here: looking for one takes a third of the time.
_dumps = json.JSONEncoder(sort_keys=True, separators=(",", ":"), check_circular=False).encode
_loads = json.JSONDecoder().decode


def encode(value: Any) -> bytes:
    """Encode a value canonically, in ASCII.

    Raises:
        CodecError: if a part of the value has an unsupported type (subclasses included), or the value is nested more
            than a few thousand levels deep.
    """
    kind = type(value)
    try:
        if kind in _PLAIN:
            return _dumps(value).encode("ascii")
        return _deeply(_encode_container, value)
    except RecursionError:
        _check_parts(value)
        raise CodecError("nested too deeply to cross the box") from None


def encode_plainly(value: Any, forms: frozenset[str]) -> bytes:
    """As `encode`, with the parts of some types replaced by their plain form; iterators are drained.

    Args:
        value: The value.
        forms: `sequences` (every sequence but strings and bytes is a list), `mappings` (every mapping is a
            dictionary), `iterators` (an iterator, or a view of a mapping, is a list).

    Raises:
        CodecError: as `encode`, or if more than `MAX_ITEMS` items come from replaced parts.
    """
    if not forms:
        return encode(value)
    try:
        data = encode(value)
    except CodecError:
        pass
    else:
        if "sequences" not in forms or b'"$tuple"' not in data:
            return data
    _check_parts(value)
    _deepen()  # before the first try: an iterator can be drained only once
    try:
        plain = _Plain(forms).replace(value)
    except RecursionError:
        raise CodecError("nested too deeply to cross the box") from None
    finally:
        _restore()
    return encode(plain)


def decode(data: bytes) -> Any:
    """Decode a canonical form.

    Raises:
        CodecError: if the bytes are not a canonical form.
    """
    try:
        text = data.decode("ascii")
        value = _deeply(_loads, text)
        return _deeply(partial(untag, strict=True), value) if '"$' in text else value
    except RecursionError:
        raise CodecError("nested too deeply to cross the box") from None
    except (ValueError, TypeError, binascii.Error) as error:
        raise CodecError(f"not a value that may cross the box: {error}") from None


def _deeply(function: Callable[[Any], _T], value: Any) -> _T:
    # The caller's own stack may be deep (in pytest it is), so the limit is raised for this call only.
    try:
        return function(value)
    except RecursionError:
        _deepen()
        try:
            return function(value)
        finally:
            _restore()


_limit_lock = _thread.allocate_lock()
_limit = [0, 0]  # calls that need the higher limit now, and the limit before the first of them


def _deepen() -> None:
    # The limit belongs to the interpreter, not to the thread: of overlapping calls the last one restores it.
    with _limit_lock:
        if not _limit[0]:
            _limit[1] = sys.getrecursionlimit()
            sys.setrecursionlimit(max(_limit[1], DEEP_RECURSION_LIMIT))
        _limit[0] += 1


def _restore() -> None:
    with _limit_lock:
        _limit[0] -= 1
        if not _limit[0]:
            sys.setrecursionlimit(_limit[1])


def _encode_container(value: Any) -> bytes:
    if _is_plain(value):
        return _dumps(value).encode("ascii")
    _check_parts(value)
    return _dumps(tag(value)).encode("ascii")


def _check_parts(value: Any) -> None:
    """Refuse a value that contains itself, or whose shared parts make it too large, in linear time."""
    sizes: dict[int, int] = {}  # by identity; 0 for what contains the part that is looked at
    todo = [value] if type(value) in _CONTAINERS else []
    while todo:
        item = todo[-1]
        parts = [part for part in item if type(part) in _CONTAINERS]  # of a dictionary, its keys
        if type(item) is dict:
            parts += [part for part in item.values() if type(part) in _CONTAINERS]
        if id(item) not in sizes:
            sizes[id(item)] = 0
            if any(sizes.get(id(part)) == 0 for part in parts):
                raise CodecError("a value that contains itself cannot cross the box")
            todo += [part for part in parts if id(part) not in sizes]
            continue
        todo.pop()
        if not sizes[id(item)]:
            sizes[id(item)] = 1 + len(item) + sum(sizes[id(part)] for part in parts)
    if sizes.get(id(value), 0) > _MAX_PARTS:
        raise CodecError(f"a value with more than {_MAX_PARTS} parts cannot cross the box")


class _Plain:
    def __init__(self, forms: frozenset[str]) -> None:
        self.sequences = Sequence if "sequences" in forms else ()
        self.mappings = Mapping if "mappings" in forms else ()
        self.iterators = _LAZY if "iterators" in forms else ()
        self.left = MAX_ITEMS

    def replace(self, value: Any) -> Any:
        kind = type(value)
        if kind in _PLAIN or kind is int or kind is bytes:
            return value
        if kind is dict:
            return {key: self.replace(item) for key, item in value.items()}
        if kind is list:
            return [self.replace(item) for item in value]
        if isinstance(value, self.mappings):
            return {key: self.replace(item) for key, item in self._bounded(value.items(), value)}
        if isinstance(value, self.sequences) and not isinstance(value, _ATOMS):
            return [self.replace(item) for item in (value if kind is tuple else self._bounded(value, value))]
        if kind is tuple:
            return tuple(self.replace(item) for item in value)
        if isinstance(value, self.iterators):
            return [self.replace(item) for item in self._bounded(value, value)]
        return value

    def _bounded(self, items: Iterable[Any], value: Any) -> Iterator[Any]:
        for item in items:
            self.left -= 1
            if self.left < 0:
                raise CodecError(f"a value of type {type(value).__name__} with too many items cannot cross the box")
            yield item


def _refuse(value: Any) -> CodecError:
    """The error for a value of an unsupported type, with the remedy where there is one."""
    remedy = ""
    if isinstance(value, Mapping):
        remedy = ": convert it by dict()"
    elif isinstance(value, (Sequence, *_LAZY)) and not isinstance(value, _ATOMS):
        remedy = ": convert it by list()"
    return CodecError(f"a value of type {type(value).__name__} cannot cross the box{remedy}")


def _is_plain(value: Any) -> bool:
    """Whether plain JSON represents the value; raises CodecError for unsupported types."""
    todo = [value]
    seen: set[int] = set()  # identities of containers
    count, most = 0, _MANY
    while todo:
        item = todo.pop()
        kind = type(item)
        if kind in _PLAIN:
            continue
        if kind is int:
            if not -PLAIN_INTEGER_LIMIT < item < PLAIN_INTEGER_LIMIT:
                return False
        elif kind is list or kind is dict:
            parts = item
            if kind is dict:
                for key in item:
                    if type(key) is not str or key.startswith("$"):
                        return False
                parts = item.values()
            seen.add(id(item))
            count += 1
            while (kinds := set(map(type, parts))) == _LISTS:  # of many lists, the parts are looked at together
                seen.update(map(id, parts))
                count += len(parts)
                if count > most and count > len(seen):
                    break
                parts = [*chain.from_iterable(parts)]
            if count > most and count > len(seen):
                _check_parts(value)
                most = _MAX_PARTS
            if kinds == _INTEGERS:
                if not -PLAIN_INTEGER_LIMIT < min(parts) <= max(parts) < PLAIN_INTEGER_LIMIT:
                    return False
            elif not kinds <= _PLAIN:
                todo.extend(parts)
        elif kind is tuple or kind is bytes or kind in _SETS:
            return False
        else:
            raise _refuse(item)
    return True


def tag(value: Any) -> Any:
    """The plain JSON, with tags, that stands for a value; raises CodecError for unsupported types."""
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind is int:
        return value if -PLAIN_INTEGER_LIMIT < value < PLAIN_INTEGER_LIMIT else {"$int": hex(value)}
    if kind is list:
        return [tag(item) for item in value]
    if kind is tuple:
        return {"$tuple": [tag(item) for item in value]}
    if kind is bytes:
        return {"$bytes": base64.b64encode(value).decode("ascii")}
    if kind in _SETS:
        return {_SETS[kind]: sorted(map(tag, value), key=_dumps)}
    if kind is dict:
        if any(type(key) is not str for key in value):
            pairs = [[tag(key), tag(item)] for key, item in value.items()]
            return {"$dict": sorted(pairs, key=lambda pair: _dumps(pair[0]))}
        return {"$" + key if key.startswith("$") else key: tag(item) for key, item in value.items()}
    raise _refuse(value)


def untag(value: Any, *, strict: bool = False) -> Any:
    """The value that plain JSON with tags stands for.

    Args:
        value: The decoded JSON.
        strict: Whether a dictionary with another key that begins with `$` is an error; else it is kept as it is.

    Raises:
        ValueError, TypeError: if a tag is unknown, or its content has no such value, and `strict` is set.
    """
    if type(value) is list:
        return [untag(item, strict=strict) for item in value]
    if type(value) is not dict:
        return value
    inner = {key: untag(item, strict=strict) for key, item in value.items()}
    if len(inner) == 1:
        ((key, item),) = inner.items()
        content, make = _MAKERS.get(key, (None, None))
        if make and type(item) is content:
            try:
                return make(item)
            except (ValueError, TypeError):
                if strict:
                    raise
    if not strict:
        return inner
    for key in inner:
        if key.startswith("$") and not key.startswith("$$"):
            raise CodecError(f"unknown tag {key!r}")
    return {key.removeprefix("$"): item for key, item in inner.items()}


def _make_dict(pairs: list[Any]) -> dict[Any, Any]:
    keys = _distinct([key for key, _ in pairs])
    return dict(zip(keys, [item for _, item in pairs], strict=True))


def _distinct(keys: list[Any]) -> list[Any]:
    """The keys of a dictionary, or the members of a set, whose table is then built in linear time.

    Raises:
        CodecError: if two are equal, or too many have one hash.
        TypeError: if one cannot be hashed.
    """
    hashes = sorted(map(hash, keys))
    if any(one == other for one, other in zip(hashes, hashes[_MAX_EQUAL_HASHES:], strict=False)):
        raise CodecError("too many keys with equal hashes")
    if len(set(keys)) != len(keys):
        raise CodecError("two equal keys")
    return keys


_MAKERS: dict[str, tuple[type, Callable[[Any], Any]]] = {
    "$tuple": (list, tuple),
    "$set": (list, lambda members: set(_distinct(members))),
    "$frozenset": (list, lambda members: frozenset(_distinct(members))),
    "$dict": (list, _make_dict),
    "$bytes": (str, lambda text: base64.b64decode(text, validate=True)),
    "$int": (str, lambda text: int(text, 16)),
}
"""By tag: the type of its JSON content, and what makes the value of it."""
