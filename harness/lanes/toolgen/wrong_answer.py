"""WrongAnswer: the record of a wrong answer, with a sentence for the report."""

from __future__ import annotations

from dataclasses import dataclass

from harness.core.clip import CLIP, clip
from harness.lanes.toolgen.questions import Question
from harness.lanes.toolgen.reply import Reply


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
    instead = f", not {expected.removeprefix('returned ')}" if reply.kind != "changed" else ""
    sentence = f"{entry}({format_arguments(question.key)}) {observed}{instead}"
    payload = _text(question.expected.payload) if question.expected else ""
    return WrongAnswer(question.key, payload, _text(reply.payload), sentence)


def describe_reply(reply: Reply) -> str:
    """Describe a reply: `returned ...`, `raised ValueError` or `returned a value of type set`, clipped."""
    if reply.kind == "value":
        return f"returned {_text(reply.payload, limit=120)}"
    name = clip(reply.exception, limit=60)
    if reply.kind == "raised":
        return f"raised {name}"
    if reply.kind == "changed":
        return f"changed its argument {name} to {clip(reply.message, limit=80)}"
    return f"returned a value of type {name}, which cannot cross the box{_reason(reply)}"


def _reason(reply: Reply) -> str:
    """What the codec says beyond the type of the whole value: the type of a part, or the remedy."""
    reason = reply.message.removeprefix(f"a value of type {reply.exception} cannot cross the box")
    return f": {clip(reason.removeprefix(': '), limit=120)}" if reason else ""


def format_arguments(key: bytes) -> str:
    """Format encoded keyword arguments for the report, clipped."""
    return _text(key, limit=160)


def _text(payload: bytes, *, limit: int = CLIP) -> str:
    # Only the shown part is decoded: an answer may have millions of characters.
    return clip(payload[: limit + 1].decode("ascii", "replace"), limit=limit)
