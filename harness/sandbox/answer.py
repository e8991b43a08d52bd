"""Answer: the reply of a box to one question."""

from __future__ import annotations

import json
from dataclasses import dataclass

from harness.core.clip import clip


@dataclass(frozen=True, slots=True)
class Answer:
    """The reply of a box to one question.

    Attributes:
        kind: "value", "raised" (an exception), "unsupported" (the value's type cannot be encoded, so it is wrong), or
            "changed" (an argument is not as it was before the call, so it is wrong).
        payload: Canonical JSON of the value, or of `{"type", "message"}`; for "changed", the type is the argument's
            name. Produced by the subject, so untrusted.
        seconds: Parent's monotonic clock, from before the question was written to after the answer was read.
        cpu_seconds: CPU time of the box during the call, by the kernel's clock; None where there is no such clock.
    """

    kind: str
    payload: bytes
    seconds: float
    cpu_seconds: float | None


def describe(payload: bytes) -> str:
    """Format an exception reported by a box as `ValueError: message`, clipped and safe to display."""
    try:
        reported = json.loads(payload)
        return clip(f"{reported['type']}: {reported['message']}" if reported.get("message") else str(reported["type"]))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return "an unreadable exception"
