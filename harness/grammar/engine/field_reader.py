"""Field reader: the part of the interpreter that the functions for single fields, items and arrays use."""

from __future__ import annotations

from typing import Any, NoReturn, Protocol

from harness.grammar.engine.cursor import ShortError
from harness.grammar.engine.field_plan import FieldPlan
from harness.grammar.engine.node import Node, Record, Window
from harness.grammar.engine.plan import Program, TypePlan
from harness.grammar.engine.scope import Scope
from harness.grammar.engine.state import State
from harness.grammar.language.evaluation import Host
from harness.grammar.language.primitive import Primitive


class FieldReader(Host, Protocol):
    """See `Interpreter`, which implements it."""

    program: Program
    state: State
    skipped: list[tuple[int, int]]

    def begin(self, plan: TypePlan, holder: Scope | None, field: FieldPlan | None, window: Window) -> Record:
        """Create a record at the position of a window; see `Interpreter.begin`."""

    def fill(self, record: Record, plan: TypePlan, inherited: bool, *, last: int | None = None) -> None:
        """Read the fields of a record."""

    def short(
        self, record: Record, plan: FieldPlan, error: ShortError, index: int | None, *, window: Window
    ) -> NoReturn:
        """Record that bytes are missing; raises StopRecordError."""

    def value(self, closure: Any, scope: Scope, plan: FieldPlan) -> Any:
        """The value of an expression; raises StopRecordError if it has none."""

    def amount(self, closure: Any, scope: Scope, plan: FieldPlan, what: str) -> int:
        """A non-negative integer; raises StopRecordError for another value."""

    def truth_of(self, closure: Any, scope: Scope, plan: FieldPlan) -> bool:
        """The value of a condition; raises StopRecordError if it has none."""

    def big(self, primitive: Primitive, plan: FieldPlan, record: Record) -> bool:
        """Whether a number is big-endian."""

    def validate(self, scope: Scope, plan: FieldPlan, node: Node) -> None:
        """Check a value if the field has checks."""
