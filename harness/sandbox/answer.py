"""Answer: the reply of a box to one question, and its making from a frame."""

from __future__ import annotations

import json
from typing import NamedTuple

from harness.core.clip import clip
from harness.core.status import Status
from harness.sandbox.fault import BoxFault
from harness.sandbox.frame_reader import ANSWERS, Frame
from harness.sandbox.limits import Limits

MAX_EXCEPTION_BYTES = 64 << 10
"""Size limit of a reported exception or type name; the shim sends at most a few thousand characters."""


class Answer(NamedTuple):  # a frozen dataclass is made in three times as long, for each question
    """The reply of a box to one question.

    Attributes:
        kind: "value", "raised" (an exception), "unsupported" (the value's type cannot be encoded, so it is wrong), or
            "changed" (an argument is not as it was before the call, so it is wrong).
        payload: Canonical JSON of the value, or of `{"type", "message"}`; for "changed", the type is the argument's
            name. Produced by the subject, so untrusted.
        seconds: Parent's monotonic clock, from before the question was written to after the answer was read; of a call
            that outlasted its limit since it had no core, less the time for which it was excused.
        cpu_seconds: CPU time of the box during the call, by the kernel's clock; None where there is no such clock.
        least_seconds: The same without the time for which the parent may have been busy with other boxes.
    """

    kind: str
    payload: bytes
    seconds: float
    cpu_seconds: float | None
    least_seconds: float = 0.0


def describe(payload: bytes) -> str:
    """Format an exception reported by a box as `ValueError: message`, clipped and safe to display."""
    try:
        reported = json.loads(payload)
        kind, message = reported["type"], reported.get("message")
        remedy = "; a box has only Python's own packages" if kind == "ModuleNotFoundError" else ""
        return clip(f"{kind}: {message}" if message else str(kind)) + remedy
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return "an unreadable exception"


def read_answer(
    frame: Frame, nonce: bytes, *, seconds: float, cpu_seconds: float | None, least_seconds: float, limits: Limits
) -> Answer:
    """Make an answer from the frame that came after the question with this nonce.

    Raises:
        BoxFault: memory, output or protocol.
    """
    tag, seen, body = frame
    if seen != nonce:
        raise BoxFault(Status.PROTOCOL, "an answer with a wrong nonce: to another question, or forged by the subject")
    if tag == b"M":
        raise BoxFault(Status.MEMORY, f"out of memory in a call ({limits.memory_text})")
    if tag not in ANSWERS:
        raise BoxFault(Status.PROTOCOL, f"an unexpected frame {tag!r} in a call")
    if not body.isascii():
        raise BoxFault(Status.PROTOCOL, "an answer that is not canonical JSON")
    if tag != b"R" and len(body) > MAX_EXCEPTION_BYTES:
        raise BoxFault(Status.OUTPUT, f"an exception of {len(body)} bytes in a call (limit {MAX_EXCEPTION_BYTES})")
    return Answer(ANSWERS[tag], body, seconds, cpu_seconds, least_seconds)
