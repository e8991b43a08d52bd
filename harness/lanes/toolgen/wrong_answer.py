"""WrongAnswer: the record of a wrong answer, with a sentence for the report."""

from __future__ import annotations

from dataclasses import dataclass

from harness.lanes.toolgen.questions import Question
from harness.lanes.toolgen.reply import Reply
from harness.lanes.toolgen.shown_value import describe_reply, show_json, show_reply


@dataclass(frozen=True, slots=True)
class WrongAnswer:
    """A wrong answer. `key` is canonical JSON; `expected` and `observed` are made by `show_json`."""

    key: bytes
    expected: str
    observed: str
    sentence: str

    def reply_first(self, entry: str, between: str) -> str:
        """The sentence with the reply before the call, which may be long, and `between` between the two."""
        call = f"{entry}({format_arguments(self.key)})"
        return f"{self.sentence.removeprefix(call).lstrip()} {between}, asked {call}"


def wrong_answer(entry: str, question: Question, reply: Reply) -> WrongAnswer:
    """Make the record of a wrong reply to a question of the function `entry`."""
    right, other = question.expected or Reply("", b""), reply.payload
    expected = describe_reply(right, other=other) if question.expected else "an answer"
    observed = describe_reply(reply, other=right.payload)
    instead = f", not {expected.removeprefix('returned ')}" if reply.kind != "changed" else ""
    sentence = f"{entry}({format_arguments(question.key)}) {observed}{instead}"
    wanted = show_reply(right, other=other) if question.expected else expected
    return WrongAnswer(question.key, wanted, show_reply(reply, other=right.payload), sentence)


def format_arguments(key: bytes) -> str:
    """Format encoded keyword arguments for the report, clipped."""
    return show_json(key, limit=160)
