"""Nodes: typed expressions of the IR. Every name is resolved; every node has its type and its span."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from harness.dsl.plain import mutable, names, plain
from harness.dsl.types import Type
from harness.dsl.values import Value

Span = tuple[int, int]
"""Start and end offset in the source, end exclusive."""


class Items(Protocol):
    """The trace, as expressions read it."""

    def of_case(self, case: int) -> Sequence[tuple[Value, ...]]:
        """All items of a case so far, in order."""


@mutable
class Frame:
    """The complete environment of an expression.

    Attributes:
        slots: Variables of the running unit, by index; `Undefined` until they are bound.
        state: State variables of the program, by index.
        verdicts: The latest verdict of each fact, by index: True, False or Undefined.
        hints: Suggestions of the hints and rules that fired, oldest first.
        visits: Elements visited by the current evaluation; see `operations.MAX_VISITS`.
    """

    slots: list[Value]
    state: list[Value]
    trace: Items
    verdicts: list[Value]
    hints: Sequence[str] = ()
    visits: int = 0


@plain
class Const:
    """A literal, a declared constant, or the string of an axiom."""

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
    """The latest verdict of a fact, by its bare name."""

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
    """`body` with a value bound to a slot: a `let` of a fact, or a fact applied to an argument."""

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
    """`+ - * / == != < <= > >= && ||`; `/` always yields a float, `&&` and `||` use Kleene's logic."""

    op: str
    left: Expr
    right: Expr
    type: Type
    span: Span


@plain
class Scale:
    """A unit conversion; the checker inserts it where units differ."""

    operand: Expr
    factor: float
    type: Type
    span: Span


@plain
class Call:
    """A call of a built-in function; see `operations.FUNCTIONS`."""

    function: str
    arguments: tuple[Expr, ...]
    type: Type
    span: Span


@plain
class Aggregate:
    """`median(p.tflops for p in source if condition)`; `fraction` is set for `quantile` only."""

    function: str
    """all, any, count, sum, min, max, mean, median, stdev or quantile."""
    body: Expr
    slot: int
    """Slot of the current element."""
    source: Expr
    condition: Expr | None
    fraction: float | None
    type: Type
    span: Span


@plain
class Index:
    """`list[i]`, from 0; undefined outside the list."""

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
    """A string with inserted values. A value is inserted once and never treated as a template."""

    parts: tuple[Expr, ...]
    type: Type
    span: Span


Expr = (
    Const | Slot | State | FieldOf | ItemsOf | Verdict | Hints | Within | Unary | Binary | Scale | Call | Aggregate
    | Index | ListOf | RecordOf | Template
)  # fmt: skip


def slots_of(node: object) -> int:
    """The number of slots that the bindings of an expression need."""
    own = node.slot + 1 if isinstance(node, Aggregate | Within) else 0
    inner = node if isinstance(node, tuple) else parts(node)
    return max([own, *[slots_of(part) for part in inner]])


def parts(node: object) -> list[object]:
    """The fields of a node without type and span; empty for anything else."""
    return [getattr(node, name) for name in names(type(node)) if name not in ("type", "span")]
