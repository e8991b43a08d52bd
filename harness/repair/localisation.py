"""Localisation: which lines of a candidate are suspicious, by asking its instrumented source in boxes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from harness.lanes.toolgen.questions import Question, Questions
from harness.lanes.toolgen.reply import Reply
from harness.repair.instrumentation import Instrumented, instrument, ochiai
from harness.sandbox.awaited_box import ask, opened
from harness.sandbox.codec import CodecError, decode, encode
from harness.sandbox.fault import BoxFault
from harness.sandbox.limits import Limits
from harness.sandbox.pool import BoxPool
from harness.sandbox.wire import KEEP_ARGUMENTS

MAX_CALLS = 150  # questions that are asked, the shortest first
MAX_KEY_BYTES = 20_000  # longer questions are left out: they execute the same lines again
MAX_FAULTS = 3  # boxes that may end before localisation stops: each may cost a whole time limit
LEAST = 0.05  # suspicion of a line that no wrong answer executed: instrumentation does not see why, e.g., memory grew


@dataclass(frozen=True, slots=True)
class Suspects:
    """The suspicion of lines.

    Attributes:
        lines: 1-based line -> suspicion, 0 to 1; every line of a statement is in it.
        failed: Number of calls with a wrong answer.
        passed: Number of calls with a right one.
        wrong: The shortest questions that were answered wrongly.
    """

    lines: Mapping[int, float]
    failed: int
    passed: int
    wrong: tuple[Question, ...] = ()


async def localise(pool: BoxPool, source: str, questions: Questions, limits: Limits) -> Suspects:
    """Ask an instrumented candidate, and compare the lines of its right and wrong answers.

    Args:
        source: The candidate, which can be parsed.
        questions: With the right answers; those of each attempt are asked.

    Raises:
        SyntaxError: if the source is not Python.
        SpecError: if the oracle's `accept` fails.
        InfraError: if no box can be opened.
    """
    rules = set(questions.tool.answer_rules) - {KEEP_ARGUMENTS}
    traced = instrument(source, questions.tool.signature.name, drains="iterators" in rules)
    entry = f"{traced.entry}:{','.join(sorted(rules))}" if rules else traced.entry
    asked = [one for one in questions.shared if one.expected is not None and len(one.key) <= MAX_KEY_BYTES]
    asked = sorted(asked, key=lambda one: (one.origin == "edge", len(one.key)))[:MAX_CALLS]
    observed: list[tuple[bool, frozenset[int]]] = []
    wrong: list[Question] = []
    faults = 0
    waiting = asked[::-1]
    while waiting and faults < MAX_FAULTS:
        try:
            with await opened(pool, traced.source, entry=entry, limits=limits, hash_seed=0) as box:
                while waiting:
                    question = waiting.pop()
                    answer = await ask(pool, box, question.key, due=4 * question.due)
                    reply, lines = _read(Reply(answer.kind, answer.payload))
                    right = await questions.right(question, reply)
                    observed.append((right, lines | traced.top))
                    if not right:
                        wrong.append(question)
        except BoxFault:
            faults += 1
            if not observed and faults == 1 and len(waiting) == len(asked):
                break  # it cannot be loaded
    return Suspects(
        _spread(ochiai(observed), traced, source),
        failed=len(wrong),
        passed=len(observed) - len(wrong),
        wrong=tuple(wrong),
    )


def _read(reply: Reply) -> tuple[Reply, frozenset[int]]:
    """Answer and lines; an answer of another form is wrong and executed no line."""
    try:
        if reply.kind != "value":  # the answer was of a type that cannot cross the box
            return reply, frozenset()
        (kind, answer), lines = decode(reply.payload)
        if kind == "value":
            reply = Reply("value", encode(answer))
        else:
            reply = Reply("raised" if kind == "raised" else "endless", encode({"type": str(answer), "message": ""}))
        return reply, frozenset(line for line in lines if type(line) is int)
    except (CodecError, TypeError, ValueError, RecursionError):
        return Reply("unsupported", b"null"), frozenset()


def _spread(by_statement: Mapping[int, float], traced: Instrumented, source: str) -> dict[int, float]:
    """Suspicion of all lines from that of the first line of each statement."""
    found = dict.fromkeys(range(1, source.count("\n") + 2), LEAST)
    for first, last in sorted(traced.spans.items()):
        suspicion = by_statement.get(first, LEAST)
        for line in range(first, last + 1):
            found[line] = max(LEAST, suspicion)
    return found
