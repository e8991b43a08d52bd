"""Instruction: one thing the machine does.

Every instruction has a stable label (`unit/step/...`, unchanged by edits elsewhere in the text) and the span it came
from. Jumps are absolute indices into the unit's code. Everything is resolved and typed: the machine looks no name up.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from harness.dsl.expressions.nodes import Expr, Span
from harness.dsl.plain import plain
from harness.dsl.types import Type


class Semantics(StrEnum):
    """What repeating an effect means; decides what happens to one that was begun and has no result."""

    PURE = "pure"
    """Reads only: repeat it."""
    IDEMPOTENT = "idempotent"
    """Repeating has the same outcome: repeat it under the same key."""
    ONCE = "once"
    """In doubt until somebody resolves it."""


class Answerer(StrEnum):
    """Who answers an effect."""

    TOOL = "tool"
    LLM = "llm"
    HUMAN = "human"


@plain
class Target:
    """Where a value is bound: a slot of the unit, or a state variable of the program."""

    index: int
    name: str
    is_state: bool = False


@plain
class Retry:
    """How often an effect is tried, and how long (logical seconds) is waited; the delay doubles each time."""

    attempts: int = 1
    backoff_s: float = 0.0
    on: tuple[str, ...] = ()
    """Statuses that are tried again (`timeout`, `crash` ...); empty means all failures."""


@plain
class Comparison:
    """How a check decides on a result: `equals` and `contains` as texts, or a number against a bound."""

    op: str
    """equals, contains, matches, <, <=, >, >=, == or !=."""
    expected: Expr


@plain
class Enter:
    """A step or check begins. `step` indexes `Unit.steps`."""

    label: str
    span: Span
    step: int


@plain
class Leave:
    """A step or check ended well; a failure never gets here."""

    label: str
    span: Span
    step: int


@plain
class Let:
    """Bind a value. An undefined value is bound as it is, with its reason."""

    label: str
    span: Span
    target: Target
    value: Expr


@plain
class Effect:
    """Ask the outside: a tool, a model, a person.

    Attributes:
        who: Who answers.
        name: The tool (`run`, `read`, `write`, or a plugin's), `query` or `ask`.
        arguments: By name, in the order of the text. A `cmd` is always a list of texts (argv).
        out: Where the result is bound.
        answer: Type of the result; `conform` is asked before it is bound.
        emits: Cases the effect's trace lines may have (indices), empty if it emits none.
        semantics: What repeating it means.
        retry: When it fails.
        compare: For a check: how the result is judged.
        timeout_s: Seconds it may take, None for the budget's.
        held: For a check: where its outcome is bound, True, False or Undefined.
    """

    label: str
    span: Span
    who: Answerer
    name: str
    arguments: tuple[tuple[str, Expr], ...]
    out: Target | None
    answer: Type
    emits: tuple[int, ...] = ()
    semantics: Semantics = Semantics.ONCE
    retry: Retry = Retry()
    compare: Comparison | None = None
    timeout_s: float | None = None
    held: Target | None = None


@plain
class Emit:
    """Append a trace item made from expressions; fields that are not given are undefined."""

    label: str
    span: Span
    case: int
    fields: tuple[tuple[int, Expr], ...]


@plain
class Post:
    """Put an event into the queue of the service loops."""

    label: str
    span: Span
    event: str
    fields: tuple[tuple[str, Expr], ...]


@plain
class Branch:
    """Go on if the condition is true, else jump; undefined counts as not true, and its reason is logged."""

    label: str
    span: Span
    condition: Expr
    otherwise: int


@plain
class Jump:
    """Go to `target`."""

    label: str
    span: Span
    target: int


@plain
class Fork:
    """Run branches as if each alone: they write different variables, and are joined in the order of the text.

    Branch i is `code[starts[i]:starts[i + 1]]`, the last one ends at `join`; each ends with a jump to `join`.
    """

    label: str
    span: Span
    names: tuple[str, ...]
    starts: tuple[int, ...]
    join: int


@plain
class Run:
    """Run another unit to its end as a child run; its inputs are given, its returned value is bound."""

    label: str
    span: Span
    unit: int
    inputs: tuple[tuple[int, Expr], ...]
    """(slot in the unit, value)."""
    out: Target | None


@plain
class Judge:
    """A check that asks no tool: a condition, or what a fact is expected to be. Undefined is not passed."""

    label: str
    span: Span
    name: str
    condition: Expr
    expected: str = "true"
    """true, false or undefined."""
    held: Target | None = None
    """Where its outcome is bound."""


@plain
class Await:
    """A service loop: take the next event, bind its fields, run its handler, come back; end when none can come.

    Attributes:
        handlers: (event, first instruction, ((field, slot, type), ...)). A handler ends with a jump back here.
        otherwise: The instruction after the loop.
    """

    label: str
    span: Span
    handlers: tuple[tuple[str, int, tuple[tuple[str, int, Type], ...]], ...]
    otherwise: int


@plain
class Parameter:
    """One axis of a sweep; `slot` holds its value while a point is measured."""

    name: str
    slot: int
    values: tuple[Any, ...]
    """In order; JSON scalars of one type. A range `lo..hi step s` is already spelled out."""


@plain
class Measure:
    """How a point is measured.

    Attributes:
        command: argv, as a list expression over the parameters' slots.
        metric: Name of the number in the command's trace item (or of a `name: value` line in compatibility mode).
        case: The trace item's case that has the metric, -1 for a `name: value` line.
        maximize: Which end is better.
        repeats: Runs per point; the median counts and its interval is reported.
    """

    command: Expr
    metric: str
    case: int
    maximize: bool
    repeats: int = 1
    timeout_s: float | None = None


@plain
class Sweep:
    """An engineering loop's search; `out` gets {parameters..., metric, points, failed} of the best point."""

    label: str
    span: Span
    parameters: tuple[Parameter, ...]
    measure: Measure
    strategy: str
    """grid, sample or halving."""
    points: int | None
    """How many points `sample` draws or `halving` begins with; None for all."""
    out: Target | None
    emits: tuple[int, ...] = ()
    constraint: Expr | None = None
    """Points for which it is not true are left out before anything runs."""


@plain
class Fail:
    """End the run as failed."""

    label: str
    span: Span
    message: Expr


@plain
class Return:
    """End the unit; every unit's code ends with one."""

    label: str
    span: Span
    value: Expr | None


Instruction = (
    Enter | Leave | Let | Effect | Emit | Post | Branch | Jump | Fork | Run | Judge | Await | Sweep | Fail | Return
)
