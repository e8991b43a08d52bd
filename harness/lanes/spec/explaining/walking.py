"""Walking: all parts of an expression, and the names in it."""

from __future__ import annotations

from collections.abc import Iterator

from harness.lanes.spec.language.expression import (
    ArrayOf,
    Attribute,
    Binary,
    Call,
    Expr,
    Item,
    Method,
    Name,
    Ternary,
    Unary,
)


def names_in(expr: Expr) -> Iterator[str]:
    """Names of fields that an expression mentions, those behind a dot included."""
    for part in walk(expr):
        if isinstance(part, Name | Attribute):
            yield part.name


def walk(expr: Expr) -> Iterator[Expr]:
    """The expression and everything in it."""
    waiting = [expr]
    while waiting:
        part = waiting.pop()
        yield part
        match part:
            case ArrayOf(items):
                waiting.extend(items)
            case Attribute(of, _) | Unary(_, of):
                waiting.append(of)
            case Item(of, index):
                waiting.extend((of, index))
            case Method(of, _, arguments):
                waiting.extend((of, *arguments))
            case Call(_, arguments):
                waiting.extend(arguments)
            case Binary(_, left, right):
                waiting.extend((left, right))
            case Ternary(condition, then, otherwise):
                waiting.extend((condition, then, otherwise))
