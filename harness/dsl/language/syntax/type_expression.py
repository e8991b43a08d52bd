"""Type expressions of the syntax tree, and the fields of records."""

from __future__ import annotations

from dataclasses import dataclass, field

from harness.dsl.language.syntax.expression import NOWHERE, Expression, Span


@dataclass(slots=True)
class NamedType:
    """`float`, `float GB/s`, `Tensor` or `TraceItem.Performance`."""

    name: str
    unit: str = ""
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(slots=True)
class ListType:
    """`[T]`."""

    of: TypeExpression
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(slots=True)
class EnumType:
    """`"a" | "b"`."""

    options: list[str]
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(slots=True)
class RecordType:
    """`{name: T}`."""

    fields: list[FieldDeclaration]
    span: Span = field(default=NOWHERE, compare=False, repr=False)


TypeExpression = NamedType | ListType | EnumType | RecordType


@dataclass(slots=True)
class FieldDeclaration:
    """`name: T > 0?`: a field with an optional bound; it can be declared optional."""

    name: str
    type: TypeExpression
    bound: tuple[str, Expression] | None = None
    optional: bool = False
    span: Span = field(default=NOWHERE, compare=False, repr=False)
