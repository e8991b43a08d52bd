"""Request and Response: the arguments of one try of an effect, and its result."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.dsl.plain import field, plain
from harness.dsl.values import Value


@plain
class Request:
    """One try of one effect.

    Attributes:
        key: See `effect_key`; a try repeated after a crash has the same key.
        label: The instruction's label with the fiber's name.
        name: `tool.run` ...
        arguments: Evaluated arguments by name.
        cases: Names of the trace item cases that it may report.
        timeout_s: Limit of its seconds; None for the tools' limit.
        occurrence: How often the run has begun this effect, from 1.
        time: Logical seconds since the run began.
    """

    key: str
    label: str
    name: str
    arguments: Mapping[str, Value]
    cases: tuple[str, ...]
    timeout_s: float | None
    occurrence: int
    seed: int
    time: float


@plain
class Response:
    """The response to a request or a query.

    Attributes:
        status: `ok`, `simulated` (not performed, the value is unknown), or a fault: `wrong`, `forbidden`,
            `timeout`, `crash`, `memory`, `output`, `protocol`.
        value: The result as JSON; ignored unless the status is `ok`.
        why: The reason for any other status.
        items: Reported trace items: (case name, record).
        source: Provider, model or recording. Part of the chain, so without times and paths.
        tokens: A model's tokens for prompt and answer.
        recorded: In a replay, the recorded event of the result.
        may_retry: Whether the effect is tried again if it states so.
    """

    status: str
    value: Value = None
    why: str = ""
    items: tuple[tuple[str, dict[str, Any]], ...] = ()
    source: Mapping[str, Any] = field(default_factory=dict)
    tokens: int = 0
    recorded: Mapping[str, Any] | None = None
    may_retry: bool = True
