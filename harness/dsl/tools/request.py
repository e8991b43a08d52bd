"""Request and Response: what a tool is asked to do, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.dsl.plain import field, plain
from harness.dsl.values import Value


@plain
class Request:
    """One try of one effect.

    Attributes:
        key: Its key; a repeated try after a crash has the same one.
        label: The instruction's label with the fiber's name.
        name: `tool.run` ...
        arguments: Evaluated, by name.
        cases: Names of the trace items it may report.
        timeout_s: Seconds it may take, None for the tools' own limit.
        occurrence: How often the run has begun it.
        seed: Of the run.
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
    """What came of a request or a query.

    Attributes:
        status: `ok`, `simulated` (nothing was done and nothing is known), or a fault's word: `wrong`, `forbidden`,
            `timeout`, `crash`, `memory`, `output`, `protocol`.
        value: The result, JSON; meaningless unless the status is `ok`.
        why: What is wrong, or why nothing is known.
        items: Trace items it reported: (case name, record).
        source: Who answered: provider, model, recording. Part of the chain, so no times and no paths.
        tokens: A model's tokens, both ways.
        recorded: In a replay: the event it became.
    """

    status: str
    value: Value = None
    why: str = ""
    items: tuple[tuple[str, dict[str, Any]], ...] = ()
    source: Mapping[str, Any] = field(default_factory=dict)
    tokens: int = 0
    recorded: Mapping[str, Any] | None = None
