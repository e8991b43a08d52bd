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


@dataclass(slots=True)
class ShapedType:
    """`[M, N, K]` or `Tensor[B, T, D]`: a type whose dimensions are named or counted; they are not evaluated."""

    name: str
    dimensions: list[str]
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(slots=True)
class DefaultType:
    """`n_layer: 12`: a value in place of a type: the type of the value, which is the default."""

    value: Expression
    span: Span = field(default=NOWHERE, compare=False, repr=False)


TypeExpression = NamedType | ListType | EnumType | RecordType | ShapedType | DefaultType


@dataclass(slots=True)
class FieldDeclaration:
    """`name: T > 0?`: a field with an optional bound; it can be declared optional."""

    name: str
    type: TypeExpression
    bound: tuple[str, Expression] | None = None
    optional: bool = False
    span: Span = field(default=NOWHERE, compare=False, repr=False)
