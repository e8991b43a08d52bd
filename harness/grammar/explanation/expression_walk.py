"""Expression walk: the names in an expression, and whether it reads the stream."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from harness.grammar.language.expression import Attribute, Call, Expr, Name, walk
from harness.grammar.language.grammar import Field, Word


def names_in(expr: Expr) -> Iterator[str]:
    """Names of fields in an expression, including those after a dot."""
    for part in walk(expr):
        if isinstance(part, Name | Attribute):
            yield part.name


def reads_stream_position(expr: Expr | Word | None) -> bool:
    """Whether an expression uses the position or the size of the stream."""
    return expr is not None and not isinstance(expr, Word) and "_io" in names_in(expr)


def reads_only(expr: Expr, names: Collection[str]) -> bool:
    """Whether an expression reads only these fields of its record and what they contain, and no stream."""
    for part in walk(expr):
        if isinstance(part, Call) or (isinstance(part, Name) and part.name not in names):
            return False
        if isinstance(part, Attribute) and part.name.startswith("_"):
            return False
    return True


def counted(field: Field) -> bool:
    """Whether values that were read, and no other source, decide how often a field repeats or where it begins."""
    given = [part for part in (field.repeat, field.until, field.at, field.offset) if part is not None]
    if not given or any(isinstance(part, Word) or reads_stream_position(part) for part in given):
        return False
    return all(any(True for _ in names_in(part)) for part in given if not isinstance(part, Word))
