"""Codec: checked programs to JSON and back, for the cache.

A value of an IR class is [class number, field ...]; lists, tuples, records, enums and undefined values start with a
tag. Decoding creates values of the classes listed here only; it neither imports nor calls anything by name.
"""

from __future__ import annotations

from enum import Enum
from types import ModuleType
from typing import Any

from harness.dsl import types
from harness.dsl.expressions import nodes
from harness.dsl.ir import instruction, program
from harness.dsl.plain import build, names
from harness.dsl.values import Undefined


def _found(*modules: ModuleType) -> tuple[type, ...]:
    own = {found for module in modules for found in vars(module).values() if isinstance(found, type)}
    return tuple(sorted((kind for kind in own if names(kind)), key=lambda kind: (kind.__module__, kind.__name__)))


_KINDS = _found(types, nodes, instruction, program)
_NUMBERS = {kind: number for number, kind in enumerate(_KINDS)}
_NAMES = {kind: names(kind) for kind in _KINDS}
_ENUMS: dict[str, type[Enum]] = {
    kind.__name__: kind for kind in (types.Kind, instruction.Semantics, instruction.Answerer)
}
_LIST, _TUPLE, _RECORD, _ENUM, _UNDEFINED, _SHARED = "l", "t", "r", "e", "u", "s"


def encode(value: Any) -> Any:
    """A program, or a part of one, as JSON: [shared types, value]. Each type is stored once.

    Raises:
        TypeError: for a value that a checked program cannot contain.
    """
    shared: list[Any] = []
    known: dict[types.Type, int] = {}

    def spell(value: Any) -> Any:
        kind = type(value)
        if kind is types.Type:
            number = known.get(value)
            if number is None:
                body = [_NUMBERS[kind], *[spell(getattr(value, name)) for name in _NAMES[kind]]]
                number = known[value] = len(shared)
                shared.append(body)
            return [_SHARED, number]
        if kind in _NUMBERS:
            return [_NUMBERS[kind], *[spell(getattr(value, name)) for name in _NAMES[kind]]]
        if kind is tuple:
            return [_TUPLE, *map(spell, value)]
        if kind is list:
            return [_LIST, *map(spell, value)]
        if kind is dict:
            return [_RECORD, *[[key, spell(inner)] for key, inner in value.items()]]
        if kind is Undefined:
            return [_UNDEFINED, value.reason]
        if kind.__name__ in _ENUMS and _ENUMS[kind.__name__] is kind:
            return [_ENUM, kind.__name__, value.value]
        if value is None or kind in (bool, int, float, str):
            return value
        raise TypeError(f"a program holds a {kind.__name__}")

    body = spell(value)
    return [shared, body]


def decode(data: Any) -> Any:
    """The inverse of `encode`.

    Raises:
        ValueError, TypeError, LookupError, RecursionError: if the data was not made by `encode`.
    """
    known: list[Any] = []

    def read(data: list[Any]) -> Any:
        head = data[0]
        if type(head) is int:
            return build(_KINDS[head], [read(part) if type(part) is list else part for part in data[1:]])
        if head == _SHARED:
            return known[data[1]]
        if head == _TUPLE:
            return tuple([read(part) if type(part) is list else part for part in data[1:]])
        if head == _LIST:
            return [read(part) if type(part) is list else part for part in data[1:]]
        if head == _RECORD:
            return {key: read(part) if type(part) is list else part for key, part in data[1:]}
        if head == _ENUM:
            return _ENUMS[data[1]](data[2])
        if head == _UNDEFINED:
            return Undefined(data[1])
        raise ValueError(f"unknown tag {head!r}")

    shared, body = data
    for part in shared:
        known.append(read(part))  # noqa: PERF401 - a type can refer to previous ones
    return read(body) if type(body) is list else body
