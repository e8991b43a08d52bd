"""Expressions of the syntax tree."""

from __future__ import annotations

from dataclasses import dataclass, field

Span = tuple[int, int]
"""Start and end offset in the source, end exclusive."""
NOWHERE: Span = (0, 0)


@dataclass(slots=True)
class Literal:
    """A number, string or boolean. `unit` as written; `style` is the quote of a string: `"`, `\"\"\"` or empty."""

    value: bool | int | float | str
    unit: str = ""
    style: str = ""
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(slots=True)
class Name:
    """A name without arguments or attributes: a variable, constant or fact."""

    name: str
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(slots=True)
class FieldRef:
    """`base.name`."""

    base: Expression
    name: str
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(slots=True)
class Subscript:
    """`base[i]`; two or three arguments are only valid in `range [low, high, step]`."""

    base: Expression
    arguments: list[Expression]
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(slots=True)
class Function:
    """`name(arguments)`."""

    name: str
    arguments: list[Expression | Each]
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(slots=True)
class Each:
    """`body for name in source if condition`, as an argument of a function."""

    body: Expression
    name: str
    source: Expression
    condition: Expression | None
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(slots=True)
class Prefix:
    """`!x` or `-x`."""

    op: str
    operand: Expression
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(slots=True)
class Infix:
    """Two operands; `op` is one of `|| && == != < <= > >= + - * /`."""

    op: str
    left: Expression
    right: Expression
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(slots=True)
class Sequence:
    """`[a, b]`."""

    items: list[Value]
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(slots=True)
class Record:
    """`{name: value}`."""

    pairs: list[tuple[str, Value]]
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(slots=True)
class Alternatives:
    """`"row" | "col"` as a value: the options of an answer."""

    options: list[Expression]
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(slots=True)
class Range:
    """`low..high` as a value, both ends inclusive."""

    low: Expression
    high: Expression
    span: Span = field(default=NOWHERE, compare=False, repr=False)


Expression = Literal | Name | FieldRef | Subscript | Function | Prefix | Infix | Sequence | Record
Value = Expression | Alternatives | Range
