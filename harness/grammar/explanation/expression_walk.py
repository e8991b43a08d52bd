"""Expression walk: all nodes of an expression, the names in it, and whether it reads the stream."""

from __future__ import annotations

from collections.abc import Iterator

from harness.grammar.language.expression import (
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
from harness.grammar.language.grammar import Field, Word


def names_in(expr: Expr) -> Iterator[str]:
    """Names of fields in an expression, including those after a dot."""
    for part in walk(expr):
        if isinstance(part, Name | Attribute):
            yield part.name


def walk(expr: Expr) -> Iterator[Expr]:
    """The expression and all its nodes."""
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


def reads_stream_position(expr: Expr | Word | None, through: frozenset[str] = frozenset()) -> bool:
    """Whether an expression uses the position or the size of the stream, itself or through the given names."""
    if expr is None or isinstance(expr, Word):
        return False
    return any(name == "_io" or name in through for name in names_in(expr))


def counted(field: Field) -> bool:
    """Whether values that were read, and no other source, decide how often a field repeats or where it begins."""
    given = [part for part in (field.repeat, field.until, field.at, field.offset) if part is not None]
    if not given or any(isinstance(part, Word) or reads_stream_position(part) for part in given):
        return False
    return all(any(True for _ in names_in(part)) for part in given if not isinstance(part, Word))
