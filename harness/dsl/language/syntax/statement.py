"""Statements: the content of a task, a loop or a step."""

from __future__ import annotations

from dataclasses import dataclass, field

from harness.dsl.language.syntax.expression import NOWHERE, Expression, Literal, Span, Value
from harness.dsl.language.syntax.type_expression import FieldDeclaration, TypeExpression


@dataclass(slots=True)
class Label:
    """The name of a declaration or step: bare or quoted."""

    text: str
    quoted: bool = False
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(slots=True)
class Entry:
    """`key: value`."""

    key: str
    value: Value
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(slots=True)
class Arrow:
    """`-> emit A.B, A.C`, or `-> name`."""

    paths: list[str]
    is_emit: bool
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(slots=True)
class Call:
    """`tool.run { … } -> emit X`; `actor` is tool, llm or human.

    `is_turn` marks the questions and tools that a question with `tools` is lowered to.
    """

    actor: str
    operation: str
    entries: list[Entry]
    arrows: list[Arrow]
    span: Span = field(default=NOWHERE, compare=False, repr=False)
    is_turn: bool = False


@dataclass(slots=True)
class Step:
    """`step id: call`, or `step "Title" { … }`."""

    label: Label
    body: list[Statement]
    inline: bool = False
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(slots=True)
class Emit:
    """`emit A.B { field: value }`, the name of an event, or a message: `emit "text"`."""

    path: str
    entries: list[Entry] | None
    span: Span = field(default=NOWHERE, compare=False, repr=False)
    is_text: bool = False


@dataclass(slots=True)
class Let:
    """`let name: T = value`."""

    name: str
    type: TypeExpression | None
    value: Expression
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(slots=True)
class Assign:
    """`name = value`."""

    name: str
    value: Expression
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(slots=True)
class If:
    """`if a { … } else if b { … } else { … }`."""

    arms: list[tuple[Expression, list[Statement]]]
    otherwise: list[Statement] | None
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(slots=True)
class For:
    """`for name in list { … }`."""

    name: str
    source: Expression
    body: list[Statement]
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(slots=True)
class Repeat:
    """`repeat count until condition { … }`."""

    count: Expression
    until: Expression | None
    body: list[Statement]
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(slots=True)
class Branch:
    """A labelled branch of `parallel`, with its statements."""

    label: Label
    body: list[Statement]
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(slots=True)
class Parallel:
    """`parallel { branch a { … } }`."""

    branches: list[Branch]
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(slots=True)
class RunUnit:
    """`run Tuner { input: value } -> result`."""

    unit: str
    entries: list[Entry]
    arrows: list[Arrow]
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(slots=True)
class Arm:
    """`case "yes", "maybe" { … }`."""

    options: list[Literal]
    body: list[Statement]
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(slots=True)
class Match:
    """`match subject { case … else { … } }`."""

    subject: Expression
    arms: list[Arm]
    otherwise: list[Statement] | None
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(slots=True)
class Fail:
    """`fail message`."""

    message: Expression
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(slots=True)
class Wait:
    """`wait for 10s`, or `wait until moment`."""

    is_until: bool
    amount: Expression
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(slots=True)
class Return:
    """`return value`."""

    value: Expression
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(slots=True)
class Check:
    """`check id: call`, or `check id: condition`."""

    name: str
    subject: Call | Expression
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(slots=True)
class Expect:
    """`expect fact: true`, `false` or `undefined`."""

    fact: str
    verdict: Expression
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(slots=True)
class Evaluation:
    """`evaluation { check … expect … }`, and properties that are described, not evaluated."""

    checks: list[Check | Expect]
    described: list[Setting | Description] = field(default_factory=list)
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(slots=True)
class On:
    """`on event(field: T) { … }`."""

    event: Label
    fields: list[FieldDeclaration]
    body: list[Statement]
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(slots=True)
class Parameter:
    """`parameter P: [..]`."""

    name: str
    value: Value
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(slots=True)
class Entries:
    """A keyword, an optional name, and entries: system_model, rule, hint, measure, budget, artifact."""

    keyword: str
    label: Label | None
    entries: list[Entry | Parameter]
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(slots=True)
class Description:
    """`baseline { … }`: a block that the language does not evaluate; `text` is all of it, as written."""

    head: str
    label: str
    text: str
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(slots=True)
class Setting:
    """`success: a b`, `until: c`, `strategy: "halving"`: a key with one or more values."""

    key: str
    values: list[Value]
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(slots=True)
class Variable:
    """`state s: T = v`, `input name: T = v`, `const C = v`."""

    keyword: str
    name: str
    type: TypeExpression | None
    value: Expression | None
    span: Span = field(default=NOWHERE, compare=False, repr=False)


Statement = (
    Step | Call | Emit | Let | Assign | If | For | Repeat | Parallel | RunUnit | Match | Fail | Wait | Return
    | Evaluation | On | Parameter | Entries | Setting | Variable | Description
)  # fmt: skip
