"""Program: a checked program as the machine runs it: units of flat instructions, knowledge, the shape of the trace."""

from __future__ import annotations

from typing import Any

from harness.dsl.expressions.nodes import Expr, Span
from harness.dsl.ir.instruction import Instruction
from harness.dsl.plain import plain
from harness.dsl.types import Schema, Type


@plain
class Variable:
    """A slot of a unit, or a state variable: its name, its type, and its value at the start."""

    name: str
    type: Type
    initial: Expr | None = None
    is_input: bool = False
    """Given from outside; if it has no initial value, it must be."""


@plain
class Step:
    """A part of a unit that becomes an item of its own. Steps may nest; `parent` is -1 at the top."""

    name: str
    slug: str
    label: str
    kind: str
    """step, check or expect."""
    span: Span
    parent: int = -1


@plain
class Budget:
    """What a unit may use; None is the run's own limit."""

    steps: int | None = None
    iterations: int | None = None
    wall_s: float | None = None
    queries: int | None = None
    events: int | None = None
    tokens: int | None = None


@plain
class Unit:
    """Something that runs: a task or a loop."""

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
    """A named axis with the values that are allowed (in a law) or tried (in a plan). `slot` is -1 outside of laws."""

    name: str
    values: tuple[Any, ...]
    span: Span
    slot: int = -1


@plain
class Rule:
    """A rule or hint: fires when all its facts are true. With prose among its conditions it is only shown."""

    kind: str
    """rule or hint."""
    name: str
    facts: tuple[int, ...]
    prose: tuple[str, ...]
    """Conditions that are words: shown to people and models, never evaluated."""
    suggestion: str
    span: Span
    parameters: tuple[Choice, ...] = ()

    @property
    def executable(self) -> bool:
        """Whether facts alone decide."""
        return bool(self.facts) and not self.prose


@plain
class Invariant:
    """A law: conditions that must never be false after an item was traced, and prose that is only shown."""

    name: str
    slug: str
    conditions: tuple[Expr, ...]
    prose: tuple[str, ...]
    span: Span
    cases: tuple[int, ...] = ()
    """Cases the conditions look at; it is evaluated when such an item is traced."""
    slots: tuple[Variable, ...] = ()
    parameters: tuple[Choice, ...] = ()
    """Names of a plan that it speaks of; such a law is held against plans, not against a trace."""


@plain
class Program:
    """A checked program.

    Attributes:
        name: Of the system, domain or task.
        path: The file's name, for messages; no part of any digest.
        source: The text, stored with every run.
        digest: SHA-256 of the text.
        schema: The cases of trace items.
        state: State variables.
        units: Everything that runs.
        main: Index of the unit a run begins with; -1 for pure knowledge.
        prose: (kind, text) of axioms, heuristics, predictions and prose laws: shown, never counted as passed.
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
    """Axes of design and tuning spaces and parameters of engineering loops: what a plan decides."""

    def place(self, offset: int) -> tuple[int, int]:
        """1-based (line, column) of an offset."""
        return self.source.count("\n", 0, offset) + 1, offset - self.source.rfind("\n", 0, offset)

    def where(self, span: Span) -> str:
        """`file:line:column`."""
        line, column = self.place(span[0])
        return f"{self.path}:{line}:{column}"
