"""Signature: what a call takes and gives, and what repeating it means."""

from __future__ import annotations

from collections.abc import Mapping

from harness.dsl.ir import Semantics
from harness.dsl.plain import field, plain
from harness.dsl.types import ANY, FLOAT, INT, STRING, Type


@plain
class Signature:
    """A tool.

    Attributes:
        required: Parameters it must have, with their types.
        optional: Parameters it may have.
        result: What it gives.
        semantics: What repeating it means, unless the program says otherwise.
        has_result: Whether there is anything to bind or compare.
        traces: Whether it can report trace items.
        any_parameter: Whether it takes parameters of any name besides.
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
    "write": Signature({"path": STRING, "content": STRING}, {}, STRING, Semantics.IDEMPOTENT, has_result=False),
    "random": Signature({"low": ANY, "high": ANY}, {}, FLOAT, Semantics.PURE),
    "now": Signature({}, {}, FLOAT, Semantics.PURE),
}
"""Tools every machine has; a plugin's come beside them. `random` gives an int between two ints."""

QUERIES: dict[str, Signature] = {
    "llm.query": Signature(
        {"prompt": STRING},
        {"role": STRING, "model": STRING, "temperature": FLOAT, "max_tokens": INT, "system": STRING},
        STRING,
        Semantics.IDEMPOTENT,
    ),
    "human.ask": Signature({"prompt": STRING}, {"role": STRING}, STRING, Semantics.IDEMPOTENT),
}
"""Calls that somebody answers; `answer:` says what type the answer must have."""

MODIFIERS = ("output_var", "timeout", "retry", "semantics", "emits", "answer")
"""Parameters of the machine, not of the call."""
COMPARISONS = {
    "equals": "equals", "contains": "contains", "matches": "matches", "below": "<", "above": ">", "at_most": "<=",
    "at_least": ">=",
}  # fmt: skip
"""Parameters by which a check decides -> the comparison."""
