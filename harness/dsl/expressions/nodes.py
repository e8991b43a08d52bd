"""Nodes: typed expressions of the IR. Every name is resolved, every node knows its type and where it was written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from harness.dsl.plain import mutable, names, plain
from harness.dsl.types import Type
from harness.dsl.values import Value

Span = tuple[int, int]
"""Start and end offset in the program's text, end excluded."""


class Items(Protocol):
    """The trace as expressions see it."""

    def of_case(self, case: int) -> Sequence[tuple[Value, ...]]:
        """All items of a case so far, in order."""
        ...


@mutable
class Frame:
    """What an expression may look at; nothing else exists for it.

    Attributes:
        slots: Variables of the running unit, by index; `Undefined` before they are bound.
        state: The program's state variables, by index.
        trace: The trace so far.
        verdicts: The newest verdict of each fact, by index: True, False or Undefined.
        hints: Suggestions of the hints and rules that fired, oldest first.
        visits: Elements visited so far by the evaluation that is going on; see `operations.MAX_VISITS`.
    """

    slots: list[Value]
    state: list[Value]
    trace: Items
    verdicts: list[Value]
    hints: Sequence[str] = ()
    visits: int = 0


@plain
class Const:
    """A literal, a declared constant, or an axiom's text."""

    value: Value
    type: Type
    span: Span


@plain
class Slot:
    """A variable of the unit."""

    index: int
    name: str
    type: Type
    span: Span


@plain
class State:
    """A state variable of the program."""

    index: int
    name: str
    type: Type
    span: Span


@plain
class FieldOf:
    """A field of a record (`index` -1) or of a trace item (`index` into the item)."""

    base: Expr
    name: str
    index: int
    type: Type
    span: Span


@plain
class ItemsOf:
    """All items of a case: `trace(TraceItem.Performance)`."""

    case: int
    type: Type
    span: Span


@plain
class Verdict:
    """The newest verdict of a fact, by its bare name."""

    fact: int
    name: str
    type: Type
    span: Span


@plain
class Hints:
    """The suggestions that fired so far, one per line: `{{hints}}`."""

    type: Type
    span: Span


@plain
class Within:
    """`body` with a value bound to a slot: a `let` of a fact, or a fact asked of an argument."""

    slot: int
    value: Expr
    body: Expr
    type: Type
    span: Span


@plain
class Unary:
    """`!x` or `-x`."""

    op: str
    operand: Expr
    type: Type
    span: Span


@plain
class Binary:
    """`+ - * / == != < <= > >= && ||`; `/` always gives a float, `&&` and `||` are Kleene's."""

    op: str
    left: Expr
    right: Expr
    type: Type
    span: Span


@plain
class Scale:
    """A number in base units; the checker puts it where units differ."""

    operand: Expr
    factor: float
    type: Type
    span: Span


@plain
class Call:
    """A built-in function, see `builtins`."""

    function: str
    arguments: tuple[Expr, ...]
    type: Type
    span: Span


@plain
class Aggregate:
    """`median(p.tflops for p in source if condition)`; `quantile` has its fraction."""

    function: str
    """all, any, count, sum, min, max, mean, median, stdev or quantile."""
    body: Expr
    slot: int
    """Where the element is bound."""
    source: Expr
    condition: Expr | None
    fraction: float | None
    type: Type
    span: Span


@plain
class Index:
    """`list[i]`, from 0; undefined outside of the list."""

    base: Expr
    index: Expr
    type: Type
    span: Span


@plain
class ListOf:
    """`[a, b]`."""

    items: tuple[Expr, ...]
    type: Type
    span: Span


@plain
class RecordOf:
    """`{name: value}`."""

    fields: tuple[tuple[str, Expr], ...]
    type: Type
    span: Span


@plain
class Template:
    """A text with values in it. Parts are filled in once; what a value says is never a template again."""

    parts: tuple[Expr, ...]
    type: Type
    span: Span


Expr = (
    Const | Slot | State | FieldOf | ItemsOf | Verdict | Hints | Within | Unary | Binary | Scale | Call | Aggregate
    | Index | ListOf | RecordOf | Template
)  # fmt: skip


def slots_of(node: object) -> int:
    """How many slots a frame needs for the elements that an expression itself binds."""
    own = node.slot + 1 if isinstance(node, Aggregate | Within) else 0
    inner = node if isinstance(node, tuple) else parts(node)
    return max([own, *[slots_of(part) for part in inner]])


def parts(node: object) -> list[object]:
    """What a node is made of, its type and place left out; nothing for what is no node."""
    return [getattr(node, name) for name in names(type(node)) if name not in ("type", "span")]
