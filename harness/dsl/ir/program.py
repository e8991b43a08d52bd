"""Program: a checked program: units of flat instructions, knowledge, and the schema of the trace."""

from __future__ import annotations

from typing import Any

from harness.dsl.expressions.nodes import Expr, Span
from harness.dsl.ir.instruction import Instruction
from harness.dsl.plain import plain
from harness.dsl.types import Schema, Type


@plain
class Variable:
    """A slot of a unit, or a state variable, with its initial value."""

    name: str
    type: Type
    initial: Expr | None = None
    is_input: bool = False
    """Whether the caller provides the value; without an initial value it is required."""


@plain
class Step:
    """A part of a unit that is reported as a test item. Steps can be nested; `parent` is -1 at the top level."""

    name: str
    slug: str
    label: str
    kind: str
    """step, check or expect."""
    span: Span
    parent: int = -1


@plain
class Budget:
    """The limits of a unit; None for the limit of the run."""

    steps: int | None = None
    iterations: int | None = None
    wall_s: float | None = None
    queries: int | None = None
    events: int | None = None
    tokens: int | None = None


@plain
class Unit:
    """A task or a loop."""

    kind: str
    """task, agent_loop, service_loop or engineering_loop."""
    name: str
    label: str
    code: tuple[Instruction, ...]
    slots: tuple[Variable, ...]
    steps: tuple[Step, ...]
    budget: Budget
    span: Span
    success: tuple[Criterion, ...] = ()
    handlers: tuple[Handler, ...] = ()
    """The `on failure` blocks of its steps and its own, innermost first."""


@plain
class Handler:
    """An `on failure` block: a failure of an instruction of [start, end) continues at `target`.

    Attributes:
        slot: Receives the failure as a string.
    """

    start: int
    end: int
    target: int
    slot: int


@plain
class Criterion:
    """One condition of `success:`; all must be true after the unit's last instruction."""

    text: str
    condition: Expr
    span: Span


@plain
class Fact:
    """A three-valued predicate over one item, or over all items of a case (`over_all`)."""

    name: str
    case: int
    over_all: bool
    slots: tuple[Variable, ...]
    """Slot 0 is the parameter; the others are `let`s of the body and elements of aggregates."""
    lets: tuple[tuple[int, Expr], ...]
    result: Expr
    span: Span


@plain
class Choice:
    """A named axis with its allowed values (in a rule or invariant) or its candidates (in a plan, with `slot` -1)."""

    name: str
    values: tuple[Any, ...]
    span: Span
    slot: int = -1


@plain
class Rule:
    """A rule or hint: it fires when all its facts are true. With prose among its conditions it is only shown."""

    kind: str
    """rule or hint."""
    name: str
    facts: tuple[int, ...]
    prose: tuple[str, ...]
    """Conditions in prose: shown to people and models, never evaluated."""
    suggestion: str
    span: Span
    parameters: tuple[Choice, ...] = ()

    @property
    def executable(self) -> bool:
        """Whether all conditions are facts."""
        return bool(self.facts) and not self.prose


@plain
class Invariant:
    """Conditions that must not be false after a trace item, and prose that is only shown."""

    name: str
    slug: str
    conditions: tuple[Expr, ...]
    prose: tuple[str, ...]
    span: Span
    cases: tuple[int, ...] = ()
    """Indices of the cases that the conditions refer to; such an item triggers the evaluation."""
    slots: tuple[Variable, ...] = ()
    parameters: tuple[Choice, ...] = ()
    """Axes of a plan; an invariant with parameters is checked against plans, not against a trace."""


@plain
class Program:
    """A checked program.

    Attributes:
        name: Name of the system, domain or task.
        path: Name of the file, for messages; not part of any digest.
        digest: SHA-256 of the source.
        facts: Facts, rules and invariants refer to facts by index.
        rules: Rules and hints, in source order.
        main: Index of the unit that a run starts with; -1 without units.
        prose: (kind, text) of axioms, heuristics, predictions and prose conditions: shown, never counted as passed.
    """

    name: str
    path: str
    source: str
    digest: str
    schema: Schema
    state: tuple[Variable, ...]
    facts: tuple[Fact, ...]
    rules: tuple[Rule, ...]
    invariants: tuple[Invariant, ...]
    units: tuple[Unit, ...]
    main: int
    prose: tuple[tuple[str, str], ...] = ()
    choices: tuple[Choice, ...] = ()
    """Axes of design and tuning spaces, and parameters of engineering loops: the decisions of a plan."""
    mocks: tuple[tuple[str, str, str], ...] = ()
    """What tools answer while effects are off: the tool, its command or path (`*` for any text), and the result."""
    described: tuple[tuple[str, str, Span], ...] = ()
    """Blocks and properties that are kept and not evaluated: what each is, its text and its span."""

    def place(self, offset: int) -> tuple[int, int]:
        """1-based (line, column) of an offset."""
        return self.source.count("\n", 0, offset) + 1, offset - self.source.rfind("\n", 0, offset)

    def where(self, span: Span) -> str:
        """`file:line:column`."""
        line, column = self.place(span[0])
        return f"{self.path}:{line}:{column}"
