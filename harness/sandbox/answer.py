"""Answer: what came back for one question."""

from __future__ import annotations

import json
from dataclasses import dataclass

from harness.core.clip import clip


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back for one question.

    Attributes:
        kind: "value", "raised" (an exception), or "unsupported" (a type that cannot cross: it is wrong by type).
        payload: Canonical JSON of the value, or of `{"type", "message"}`. Made by the subject: believe nothing.
        seconds: Parent's monotonic clock, from before the question was written to after the answer was read.
        cpu_seconds: CPU time of the box meanwhile, by the kernel; None where the kernel does not tell.
    """

    kind: str
    payload: bytes
    seconds: float
    cpu_seconds: float | None


def describe(payload: bytes) -> str:
    """`ValueError: message` of an exception that a box reported, safe to show."""
    try:
        told = json.loads(payload)
        return clip(f"{told['type']}: {told['message']}" if told.get("message") else str(told["type"]))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return "something that cannot be read"
