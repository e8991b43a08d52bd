"""Wrong: the record of a wrong answer, in words people can read."""

from __future__ import annotations

from dataclasses import dataclass

from harness.core.clip import CLIP, clip
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
    payload = _text(question.expected.payload) if question.expected else ""
    return Wrong(question.key, payload, _text(reply.payload), sentence)


def described(reply: Reply) -> str:
    """`returned ...`, `raised ValueError` or `returned a value of type set`, bounded and printable."""
    if reply.kind == "value":
        return f"returned {_text(reply.payload, limit=120)}"
    if reply.kind == "raised":
        return f"raised {clip(reply.exception, limit=60)}"
    return f"returned a value of type {clip(reply.exception, limit=60)}, which cannot cross the box"


def shown(key: bytes) -> str:
    """Keyword arguments as people read them, bounded."""
    return _text(key, limit=160)


def _text(payload: bytes, *, limit: int = CLIP) -> str:
    # No more is decoded than is shown: an answer may be millions of characters long.
    return clip(payload[: limit + 1].decode("ascii", "replace"), limit=limit)
