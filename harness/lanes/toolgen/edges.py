"""Edges: extreme inputs derived from annotations, for a tool whose oracle defines no edge inputs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from harness.lanes.toolgen.annotation_kinds import Kind
from harness.sandbox.codec import CodecError, encode

MAX_EDGES = 32  # derived edge inputs of one tool
NESTING = 200  # levels of nesting of a deeply nested input

_STRINGS = (
    "", " ", "\n", "\r\n", "\x00", "a\x00b", "\u00e9", "e\u0301", "\u0130", "\U0001f600", "\ud800", "\u202eabc",
    "\ufeffa", "0", "-0", "NaN", "null", "%s%n{0}", "a" * 50_000, "a\n" * 10_000, "(" * 1_000,
)  # fmt: skip
_INTEGERS = (0, 1, -1, 2**31, -(2**31) - 1, 2**53 + 1, 2**63, -(2**63) - 1, 10**30)
_FLOATS = (0.0, -0.0, 1.0, -1.5, 5e-324, 1e308, -1e308, 0.1)


def derived_edges(kinds: dict[str, Kind], base: dict[str, Any]) -> list[bytes]:
    """At most `MAX_EDGES` distinct inputs, encoded: `base` with one parameter set to an extreme value.

    Parameters take turns, so that each of them gets some extreme values.
    """
    turns = {name: extremes(kind) for name, kind in kinds.items()}
    found: dict[bytes, None] = {}
    while turns and len(found) < MAX_EDGES:
        for name in list(turns):
            try:
                found[encode({**base, name: next(turns[name])})] = None
            except StopIteration:
                del turns[name]
            except CodecError:
                continue
    return list(found)[:MAX_EDGES]


def extremes(kind: Kind) -> Iterator[Any]:
    """Extreme values of one kind, the most useful ones first."""
    if isinstance(kind, list):
        yield from _composed(kind)
    elif kind == "str":
        yield from _STRINGS
    elif kind == "int":
        yield from _INTEGERS
    elif kind == "float":
        yield from _FLOATS
    elif kind == "bool":
        yield from (True, False)
    elif kind == "bytes":
        yield from (b"", b"\x00", bytes(range(256)), b"a" * 50_000)
    elif kind == "none":
        yield None
    else:
        yield from ([], {}, None, "", 0, nested_list(NESTING), {"": {"": []}}, list(range(2_000)), _STRINGS[-3])


def _composed(kind: list[Any]) -> Iterator[Any]:
    name, *parts = kind
    if name in ("list", "tuple*"):
        make = list if name == "list" else tuple
        yield make()
        items = list(extremes(parts[0]))
        yield make(items[:6])
        yield make([items[0]] * 5_000)
        for item in items:
            yield make([item])
    elif name in ("set", "frozenset"):
        items = list(extremes(parts[0]))
        for members in ([], items, *([item] for item in items)):
            yield set(members) if name == "set" else frozenset(members)
    elif name == "dict":
        yield {}
        keys = list(extremes(parts[1])) if len(parts) == 2 else list(_STRINGS)
        for key, value in zip(keys, extremes(parts[0]), strict=False):
            yield {key: value}
        first = next(extremes(parts[0]))
        yield dict.fromkeys(keys, first) if len(parts) == 2 else {str(number): first for number in range(2_000)}
        if parts[0] == "any":
            deep: Any = 1
            for _ in range(NESTING):
                deep = {"k": deep}
            yield deep
    elif name == "tuple":
        columns = [list(extremes(part)) for part in parts]
        for row in range(max(map(len, columns), default=0)):
            yield tuple(column[row % len(column)] for column in columns)
    elif name == "union":
        turns = [extremes(part) for part in parts]
        while turns:
            for turn in list(turns):
                try:
                    yield next(turn)
                except StopIteration:
                    turns.remove(turn)
    else:
        yield from parts


def nested_list(depth: int) -> list[Any]:
    """An empty list inside `depth` others."""
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value
