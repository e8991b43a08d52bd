"""WrongAnswer: the record of a wrong answer, with a sentence for the report."""

from __future__ import annotations

from dataclasses import dataclass

from harness.core.clip import CLIP, clip
from harness.lanes.toolgen.oracle import Reply
from harness.lanes.toolgen.questions import Question


@dataclass(frozen=True, slots=True)
class WrongAnswer:
    """A wrong answer. `key`, `expected` and `observed` are canonical JSON, clipped except for `key`."""

    key: bytes
    expected: str
    observed: str
    sentence: str


def wrong_answer(entry: str, question: Question, reply: Reply) -> WrongAnswer:
    """Make the record of a wrong reply to a question of the function `entry`."""
    expected = describe_reply(question.expected) if question.expected else "an answer"
    observed = describe_reply(reply)
    sentence = f"{entry}({format_arguments(question.key)}) {observed}, not {expected.removeprefix('returned ')}"
    payload = _text(question.expected.payload) if question.expected else ""
    return WrongAnswer(question.key, payload, _text(reply.payload), sentence)


def describe_reply(reply: Reply) -> str:
    """Describe a reply: `returned ...`, `raised ValueError` or `returned a value of type set`, clipped."""
    if reply.kind == "value":
        return f"returned {_text(reply.payload, limit=120)}"
    if reply.kind == "raised":
        return f"raised {clip(reply.exception, limit=60)}"
    return f"returned a value of type {clip(reply.exception, limit=60)}, which cannot cross the box"


def format_arguments(key: bytes) -> str:
    """Format encoded keyword arguments for the report, clipped."""
    return _text(key, limit=160)


def _text(payload: bytes, *, limit: int = CLIP) -> str:
    # Only the shown part is decoded: an answer may have millions of characters.
    return clip(payload[: limit + 1].decode("ascii", "replace"), limit=limit)
