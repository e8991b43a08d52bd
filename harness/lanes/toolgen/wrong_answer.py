"""WrongAnswer: the record of a wrong answer, with a sentence for the report."""

from __future__ import annotations

from dataclasses import dataclass

from harness.core.clip import clip
from harness.lanes.toolgen.questions import Question
from harness.lanes.toolgen.reply import Reply
from harness.lanes.toolgen.shown_value import show_json


@dataclass(frozen=True, slots=True)
class WrongAnswer:
    """A wrong answer. `key` is canonical JSON; `expected` and `observed` are made by `show_json`."""

    key: bytes
    expected: str
    observed: str
    sentence: str

    def reply_first(self, entry: str, told: str) -> str:
        """The sentence with the reply before the call, which may be long, and `told` between the two."""
        call = f"{entry}({format_arguments(self.key)})"
        return f"{self.sentence.removeprefix(call).lstrip()} {told}, asked {call}"


def wrong_answer(entry: str, question: Question, reply: Reply) -> WrongAnswer:
    """Make the record of a wrong reply to a question of the function `entry`."""
    right, other = question.expected or Reply("", b""), reply.payload
    expected = describe_reply(right, other=other) if question.expected else "an answer"
    observed = describe_reply(reply, other=right.payload)
    instead = f", not {expected.removeprefix('returned ')}" if reply.kind != "changed" else ""
    sentence = f"{entry}({format_arguments(question.key)}) {observed}{instead}"
    payload, given = show_json(right.payload, other=other), show_json(other, other=right.payload)
    return WrongAnswer(question.key, payload, given, sentence)


def describe_reply(reply: Reply, *, other: bytes = b"", limit: int = 120) -> str:
    """Describe a reply: `returned ...`, `raised ValueError` or `returned a value of type set`, clipped.

    Args:
        other: As for `show_json`.
        limit: Characters of a returned value.
    """
    if reply.kind == "value":
        return f"returned {show_json(reply.payload, other=other, limit=limit)}"
    name = clip(reply.exception, limit=60)
    if reply.kind == "raised":
        return f"raised {name}"
    if reply.kind == "changed":
        return f"changed its argument {name} to {show_json(reply.message.encode(), limit=80)}"
    return f"returned a value of type {name}, which cannot cross the box{_reason(reply)}"


def _reason(reply: Reply) -> str:
    """What the codec says beyond the type of the whole value: the type of a part, or the remedy."""
    reason = reply.message.removeprefix(f"a value of type {reply.exception} cannot cross the box")
    return f": {clip(reason.removeprefix(': '), limit=120)}" if reason else ""


def format_arguments(key: bytes) -> str:
    """Format encoded keyword arguments for the report, clipped."""
    return show_json(key, limit=160)
