"""Disagreement: the first question that two attempts answered differently, in words people can read."""

from __future__ import annotations

from harness.core.clip import clip
from harness.lanes.toolgen.counterexample import Wrong, described, shown
from harness.lanes.toolgen.outcome import Outcome
from harness.lanes.toolgen.questions import Questions


def disagreement(entry: str, questions: Questions, first: Outcome, other: Outcome) -> Wrong | None:
    """The first shared question, in the questions' own order, to which two attempts replied differently.

    Args:
        entry: The candidate's function.
        questions: What both were asked.
        first: An attempt whose (trimmed) replies are still there.
        other: Another one.
    """
    for number in sorted(first.replies.keys() & other.replies.keys()):
        one, two = first.replies[number], other.replies[number]
        if one.essence == two.essence:
            continue
        question = questions.shared[number]
        right = question.expected
        # Where the right answer is known, what differs from it is what was observed.
        expected, observed = (
            (right, one) if right is not None and one.essence != right.trimmed().essence else (one, two)
        )
        return Wrong(
            question.key,
            clip(expected.payload.decode("ascii", "replace")),
            clip(observed.payload.decode("ascii", "replace")),
            f"{entry}({shown(question.key)}) {described(one)} with hash seed {first.hash_seed} and "
            f"{described(two)} with hash seed {other.hash_seed}",
        )
    return None
