"""Instruction: one operation of the machine.

Every instruction has a stable label (`unit/step/...`, unchanged by edits elsewhere in the source) and a span. Jumps are
absolute indices into the unit's code. Everything is resolved and typed: the machine never looks up a name.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from harness.dsl.expressions.nodes import Expr, Span
from harness.dsl.plain import plain
from harness.dsl.types import Type


class Semantics(StrEnum):
    """The semantics of repeating an effect; determines how an effect without a recorded result is resumed."""

    PURE = "pure"
    """The effect only reads: it is repeated."""
    IDEMPOTENT = "idempotent"
    """Repetition has the same outcome: the effect is repeated under the same key."""
    ONCE = "once"
    """The effect is in doubt until a person resolves it."""


class Answerer(StrEnum):
    """The kind of handler that answers an effect."""

    TOOL = "tool"
    LLM = "llm"
    HUMAN = "human"


@plain
class Target:
    """The target of a binding: a slot of the unit, or a state variable of the program."""

    index: int
    name: str
    is_state: bool = False


@plain
class Retry:
    """Number of attempts of an effect, and the delay (logical seconds) between them, which doubles each time."""

    attempts: int = 1
    backoff_s: float = 0.0
    on: tuple[str, ...] = ()
    """Statuses that are retried (`timeout`, `crash` ...); empty for all failures."""


@plain
class Comparison:
    """How a check compares a result: `equals` and `contains` as strings, or a number with a bound."""

    op: str
    """equals, contains, matches, <, <=, >, >=, == or !=."""
    expected: Expr


@plain
class Enter:
    """A step or check starts. `step` indexes `Unit.steps`."""

    label: str
    span: Span
    step: int


@plain
class Leave:
    """A step or check succeeded; a failure does not reach this instruction."""

    label: str
    span: Span
    step: int


@plain
class Let:
    """Bind a value; an undefined value is bound with its reason."""

    label: str
    span: Span
    target: Target
    value: Expr


@plain
class Effect:
    """An external effect: a call of a tool, or a question to a model or a person.

    Attributes:
        who: The kind of handler.
        name: The tool (`run`, `read`, `write`, or a tool of a plugin), `query` or `ask`.
        arguments: Arguments by name, in source order. A `cmd` is always a list of strings (argv).
        answer: Type of the result; it is checked with `conform` before it is bound.
        emits: Indices of the cases that the effect can report; empty without trace items.
        retry: Attempts after failures.
        compare: For a check: comparison of the result.
        timeout_s: Time limit in seconds; None for the limit of the budget.
        held: For a check: target of the outcome, True, False or Undefined.
        catches: Whether a fault does not fail the step, but is the result: a string that begins with `error: `.
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
    catches: bool = False


@plain
class Emit:
    """Append a trace item made from expressions; absent fields are undefined."""

    label: str
    span: Span
    case: int
    fields: tuple[tuple[int, Expr], ...]


@plain
class Post:
    """Append an event to the queue of the service loops."""

    label: str
    span: Span
    event: str
    fields: tuple[tuple[str, Expr], ...]


@plain
class Branch:
    """Continue if the condition is true, otherwise jump; undefined counts as not true, and its reason is logged."""

    label: str
    span: Span
    condition: Expr
    otherwise: int


@plain
class Jump:
    """An unconditional jump to the instruction at the index `target`."""

    label: str
    span: Span
    target: int


@plain
class Fork:
    """Run independent branches: they write different variables, and are joined in source order.

    Branch i is `code[starts[i]:starts[i + 1]]`, the last one ends at `join`; each ends with a jump to `join`.
    """

    label: str
    span: Span
    names: tuple[str, ...]
    starts: tuple[int, ...]
    join: int


@plain
class Run:
    """Run another unit to its end as a child run with the given inputs; its result is bound."""

    label: str
    span: Span
    unit: int
    inputs: tuple[tuple[int, Expr], ...]
    """(slot in the unit, value)."""
    out: Target | None


@plain
class Judge:
    """A check without a tool: a condition, or the expected verdict of a fact. Undefined does not pass."""

    label: str
    span: Span
    name: str
    condition: Expr
    expected: str = "true"
    """true, false or undefined."""
    held: Target | None = None
    """Variable that receives the outcome; None if it is not stored."""


@plain
class Await:
    """A service loop: take the next event, bind its fields, run its handler, repeat; end when no event can arrive.

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
    """In order; JSON scalars of one type. Ranges are already expanded."""


@plain
class Measure:
    """The measurement of a point.

    Attributes:
        command: argv, as a list expression over the parameters' slots.
        metric: Field of the command's trace item (or name of a `name: value` line in compatibility mode).
        case: Index of the case with the metric; -1 for a `name: value` line.
        maximize: Whether higher is better.
        repeats: Runs per point; the median is used and its interval is reported.
        timeout_s: Time limit of one run in seconds; None for the limit of the budget.
    """

    command: Expr
    metric: str
    case: int
    maximize: bool
    repeats: int = 1
    timeout_s: float | None = None


@plain
class Sweep:
    """The search of an engineering loop; `out` receives {parameters..., metric, points, failed} of the best point."""

    label: str
    span: Span
    parameters: tuple[Parameter, ...]
    measure: Measure
    strategy: str
    """grid, sample or halving."""
    points: int | None
    """Number of points that `sample` measures or `halving` starts with; None for all."""
    out: Target | None
    emits: tuple[int, ...] = ()
    constraint: Expr | None = None
    """Points for which it is not true are excluded before the search."""


@plain
class Fail:
    """End the run as failed."""

    label: str
    span: Span
    message: Expr


@plain
class Deadline:
    """The enclosing step must end within some seconds of wall time, also across restarts."""

    label: str
    span: Span
    step: int
    seconds: float


@plain
class Rethrow:
    """The end of an `on failure` block: the failure propagates to the enclosing block, or ends the run."""

    label: str
    span: Span


@plain
class Return:
    """End the unit; the last instruction of every unit."""

    label: str
    span: Span
    value: Expr | None


Instruction = (
    Enter | Leave | Let | Effect | Emit | Post | Branch | Jump | Fork | Run | Judge | Await | Sweep | Fail | Deadline
    | Rethrow | Return
)  # fmt: skip
