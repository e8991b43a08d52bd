"""Expressions: the syntax tree of the expression language of grammars."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant: `12`, `0x0c`, `1.5`, `true`, `"text"`."""

    value: int | float | bool | str | bytes


@dataclass(frozen=True, slots=True)
class ArrayOf:
    """`[a, b, c]`; bytes when every item is a constant of 0..255 (write `.to_array` to keep a list of numbers)."""

    items: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Name:
    """A field, instance or parameter of the record, or one of `_`, `_index`, `_io`, `_parent`, `_root`, `_start`."""

    name: str


@dataclass(frozen=True, slots=True)
class EnumLiteral:
    """`Colour::red`: the number with this label."""

    enum: str
    label: str


@dataclass(frozen=True, slots=True)
class Attribute:
    """`value.name`: a field of a record, or a property such as `.size`, `.to_i`, `.pos`."""

    of: Expr
    name: str


@dataclass(frozen=True, slots=True)
class Item:
    """`value[index]`."""

    of: Expr
    index: Expr


@dataclass(frozen=True, slots=True)
class Method:
    """`value.name(arguments)`."""

    of: Expr
    name: str
    arguments: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """`name(arguments)`: one of the built-in functions."""

    name: str
    arguments: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Unary:
    """`-a`, `~a`, `not a`."""

    operator: str
    of: Expr


@dataclass(frozen=True, slots=True)
class Binary:
    """`a + b` and other binary operations; `and` and `or` short-circuit."""

    operator: str
    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class Ternary:
    """`condition ? then : otherwise`."""

    condition: Expr
    then: Expr
    otherwise: Expr


Expr: TypeAlias = Literal | ArrayOf | Name | EnumLiteral | Attribute | Item | Method | Call | Unary | Binary | Ternary


def children(expr: Expr) -> Iterator[Expr]:
    """Iterate over the direct subexpressions."""
    for field in fields(expr):
        value = getattr(expr, field.name)
        for part in value if isinstance(value, tuple) else (value,):
            if isinstance(part, Expr):
                yield part


def walk(expr: Expr) -> Iterator[Expr]:
    """Iterate over an expression and all its subexpressions, outermost first."""
    waiting = [expr]
    while waiting:
        part = waiting.pop()
        yield part
        waiting.extend(children(part))
