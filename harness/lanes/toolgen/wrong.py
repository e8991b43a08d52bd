"""Wrong: the record of a wrong answer, in words people can read."""

from __future__ import annotations

from dataclasses import dataclass

from harness.core.clip import clip
from harness.lanes.toolgen.oracle import Reply
from harness.lanes.toolgen.questions import Question


@dataclass(frozen=True, slots=True)
class Wrong:
    """A wrong answer, as canonical JSON texts."""

    key: bytes
    expected: str
    observed: str
    sentence: str


def wrong_answer(entry: str, question: Question, reply: Reply) -> Wrong:
    """The record of a wrong answer."""
    expected = described(question.expected) if question.expected else "an answer"
    observed = described(reply)
    sentence = f"{entry}({shown(question.key)}) {observed}, not {expected.removeprefix('returned ')}"
    payload = question.expected.payload.decode("ascii", "replace") if question.expected else ""
    return Wrong(question.key, clip(payload), clip(reply.payload.decode("ascii", "replace")), sentence)


def described(reply: Reply) -> str:
    """`returned ...`, `raised ValueError` or `returned a value of type set`, bounded and printable."""
    if reply.kind == "value":
        return f"returned {clip(reply.payload.decode('ascii', 'replace'), limit=120)}"
    if reply.kind == "raised":
        return f"raised {clip(reply.exception, limit=60)}"
    return f"returned a value of type {clip(reply.exception, limit=60)}, which cannot cross the box"


def shown(key: bytes) -> str:
    """Keyword arguments as people read them, bounded."""
    text = key.decode("ascii", "replace")
    return clip(text, limit=160)
