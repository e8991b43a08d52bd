"""Expressions: the syntax tree of Kaitai Struct's expression language.

Source: the language's user guide, section "Expression language" (https://doc.kaitai.io/user_guide.html).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class TypeName:
    """The name of a type in an expression or in `type:`: `a::b::c`, or an array `c[]`."""

    path: tuple[str, ...]
    absolute: bool = False
    array: bool = False

    def __str__(self) -> str:
        return ("::" if self.absolute else "") + "::".join(self.path) + ("[]" if self.array else "")


@dataclass(frozen=True, slots=True)
class Number:
    """An integer literal; its value without the notation of the source."""

    value: int


@dataclass(frozen=True, slots=True)
class Real:
    """A literal with a decimal point or an exponent."""

    value: float


@dataclass(frozen=True, slots=True)
class Text:
    """A string literal; its value with escapes resolved."""

    value: str


@dataclass(frozen=True, slots=True)
class Truth:
    """`true` or `false`."""

    value: bool


@dataclass(frozen=True, slots=True)
class Format:
    """`f"…{x}…"`: literal parts and expressions in order."""

    parts: tuple[str | Expression, ...]


@dataclass(frozen=True, slots=True)
class Name:
    """A field, instance or parameter, or one of the special names such as `_io`."""

    id: str


@dataclass(frozen=True, slots=True)
class Member:
    """`enum::member`."""

    enum: TypeName
    name: str


@dataclass(frozen=True, slots=True)
class Unary:
    """`-`, `+`, `~` or `not`."""

    op: str
    operand: Expression


@dataclass(frozen=True, slots=True)
class Binary:
    """Arithmetic and bit operations: `+ - * / % << >> & | ^`."""

    op: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Compare:
    """`== != < <= > >=`; comparisons do not chain."""

    op: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Logic:
    """`and` or `or` with two or more operands."""

    op: str
    operands: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Ternary:
    """`condition ? yes : no`."""

    condition: Expression
    yes: Expression
    no: Expression


@dataclass(frozen=True, slots=True)
class Index:
    """`container[index]`."""

    container: Expression
    index: Expression


@dataclass(frozen=True, slots=True)
class Attribute:
    """`value.name`."""

    value: Expression
    name: str


@dataclass(frozen=True, slots=True)
class Call:
    """`value.method(arguments)`."""

    value: Expression
    method: str
    arguments: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Items:
    """`[a, b, c]`: bytes if each item has a type of one byte, else an array."""

    values: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Cast:
    """`value.as<type>`."""

    value: Expression
    type: TypeName


@dataclass(frozen=True, slots=True)
class SizeOf:
    """`sizeof<type>` in bytes, `bitsizeof<type>` in bits."""

    type: TypeName
    bits: bool = False


Expression = (
    Number
    | Real
    | Text
    | Truth
    | Format
    | Name
    | Member
    | Unary
    | Binary
    | Compare
    | Logic
    | Ternary
    | Index
    | Attribute
    | Call
    | Items
    | Cast
    | SizeOf
)


def children(expression: Expression) -> Iterator[Expression]:
    """Return the direct subexpressions of an expression."""
    for field in fields(expression):
        value = getattr(expression, field.name)
        for part in value if isinstance(value, tuple) else (value,):
            if isinstance(part, Expression):
                yield part


def depth(expression: Expression) -> int:
    """Return the number of levels of a tree."""
    deepest, stack = 0, [(expression, 1)]
    while stack:
        found, level = stack.pop()
        deepest = max(deepest, level)
        stack.extend((inner, level + 1) for inner in children(found))
    return deepest


def walk(expression: Expression) -> Iterator[Expression]:
    """Iterate over an expression and all its subexpressions, outermost first."""
    stack = [expression]
    while stack:
        found = stack.pop()
        yield found
        stack.extend(children(found))
