"""Signature: parameters and result of a call, and the semantics of repeating it."""

from __future__ import annotations

from collections.abc import Mapping

from harness.dsl.ir import Semantics
from harness.dsl.plain import field, plain
from harness.dsl.types import ANY, BOOL, FLOAT, INT, STRING, Kind, Type, list_of


@plain
class Signature:
    """The signature of a tool or query.

    Attributes:
        required: Types of the required parameters by name.
        optional: Types of the optional parameters by name.
        semantics: Semantics of repeating the call, unless the program states another.
        has_result: Whether the result can be bound or compared.
        traces: Whether the call can report trace items.
        any_parameter: Whether further parameters of any name are allowed.
    """

    required: Mapping[str, Type] = field(default_factory=dict)
    optional: Mapping[str, Type] = field(default_factory=dict)
    result: Type = STRING
    semantics: Semantics = Semantics.ONCE
    has_result: bool = True
    traces: bool = False
    any_parameter: bool = False


TOOLS: dict[str, Signature] = {
    "run": Signature({"cmd": ANY}, {"stdin": STRING}, STRING, Semantics.ONCE, traces=True),
    "read": Signature({"path": STRING}, {}, STRING, Semantics.PURE),
    "write": Signature({"path": STRING}, {"content": STRING}, STRING, Semantics.IDEMPOTENT, has_result=False),
    "exists": Signature({"path": STRING}, {}, BOOL, Semantics.PURE),
    "random": Signature({"low": ANY, "high": ANY}, {}, FLOAT, Semantics.PURE),
    "now": Signature({}, {}, FLOAT, Semantics.PURE),
}
"""Built-in tools. `random` returns an integer if both bounds are integers."""

ANSWERERS = Type(Kind.ENUM, options=("person", "any"))
"""Who may answer `human.ask`: a model only if the program says `by: any`."""
QUERIES: dict[str, Signature] = {
    "llm.query": Signature(
        {"prompt": STRING},
        {
            "role": STRING,
            "model": STRING,
            "temperature": FLOAT,
            "max_tokens": INT,
            "system": STRING,
            "tools": list_of(STRING),
            "said": list_of(ANY),
        },
        STRING,
        Semantics.IDEMPOTENT,
    ),
    "human.ask": Signature({"prompt": STRING}, {"role": STRING, "by": ANSWERERS}, STRING, Semantics.IDEMPOTENT),
}
"""Calls that a model or a person answers; `answer:` states the type of the answer."""

MODIFIERS = ("output_var", "timeout", "retry", "retries", "semantics", "emits", "answer")
"""Parameters that the machine interprets; they are not passed to the tool."""
COMPARISONS = {
    "equals": "equals", "contains": "contains", "matches": "matches", "below": "<", "above": ">", "at_most": "<=",
    "at_least": ">=",
}  # fmt: skip
"""Operator of each comparison parameter of a check."""
