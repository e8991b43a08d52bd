"""Disagreement: finds the first question that two attempts answered differently."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from harness.core.clip import clip
from harness.lanes.toolgen.answer_classes import fingerprint
from harness.lanes.toolgen.outcome import Outcome
from harness.lanes.toolgen.questions import Questions
from harness.lanes.toolgen.wrong_answer import WrongAnswer, describe_reply, format_arguments


def seal_answers(questions: Questions, outcomes: Sequence[Outcome], unanswered: Collection[bytes]) -> None:
    """Digest the answers of each attempt, without the questions that one of them could not answer (given by key)."""
    asked = [number for number, question in enumerate(questions.shared) if question.key not in unanswered]
    for outcome in outcomes:
        outcome.seal(asked)


def find_disagreement(entry: str, questions: Questions, first: Outcome, other: Outcome) -> WrongAnswer | None:
    """The first shared question, in question order, with different replies in two attempts; None if all agree.

    Args:
        entry: Name of the candidate's function.
        questions: The questions of both attempts.
        first: One attempt, with its (trimmed) replies.
        other: Another attempt, with its replies.
    """
    for number in sorted(first.replies.keys() & other.replies.keys()):
        if first.fingerprints[number] == other.fingerprints[number]:
            continue
        one, two = first.replies[number], other.replies[number]
        question = questions.shared[number]
        right = question.expected
        # If the right answer is known, it is the expected one, and the reply that differs from it the observed one.
        expected, observed = (
            (right, one) if right is not None and first.fingerprints[number] != fingerprint(right) else (one, two)
        )
        return WrongAnswer(
            question.key,
            clip(expected.payload.decode("ascii", "replace")),
            clip(observed.payload.decode("ascii", "replace")),
            f"{entry}({format_arguments(question.key)}) {describe_reply(one)} with hash seed {first.hash_seed} and "
            f"{describe_reply(two)} with hash seed {other.hash_seed}",
        )
    return None
