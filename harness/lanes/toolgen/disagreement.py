"""Disagreement: the first question that two attempts answered differently, and whether other questions cause it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from harness.lanes.toolgen.answer_classes import fingerprint
from harness.lanes.toolgen.candidate_box import opened
from harness.lanes.toolgen.outcome import Outcome
from harness.lanes.toolgen.plan import Plan
from harness.lanes.toolgen.questions import Question, Questions, right_alone
from harness.lanes.toolgen.repeated_questions import MAX_TURNS
from harness.lanes.toolgen.reply import Reply
from harness.lanes.toolgen.shown_value import describe_reply, show_reply
from harness.lanes.toolgen.wrong_answer import WrongAnswer, format_arguments
from harness.sandbox.awaited_box import ask
from harness.sandbox.fault import BoxFault
from harness.sandbox.pool import BoxPool


def seal_answers(questions: Questions, outcomes: Sequence[Outcome], unanswered: Collection[bytes]) -> None:
    """Digest the answers of each attempt, without the questions that one of them could not answer (given by key)."""
    asked = [number for number, question in enumerate(questions.shared) if question.key not in unanswered]
    for outcome in outcomes:
        outcome.seal(asked)


SHOWN = 50  # characters of each reply, so that the first line of the reason has both


def find_disagreement(entry: str, questions: Questions, first: Outcome, other: Outcome) -> WrongAnswer | None:
    """The first shared question, in question order, with different replies in two attempts; None if all agree."""
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
        note = "" if right is not None else f"the same in each attempt; with hash seed {first.hash_seed}: "
        shown = [describe_reply(a, other=b.payload, limit=SHOWN) for a, b in ((one, two), (two, one))]
        return WrongAnswer(
            question.key,
            note + show_reply(expected, other=observed.payload),
            (note and f"with hash seed {other.hash_seed}: ") + show_reply(observed, other=expected.payload),
            f"{shown[0]} with hash seed {first.hash_seed}, {shown[1]} with hash seed {other.hash_seed}, asked "
            f"{entry}({format_arguments(question.key)})",
        )
    return None


ROUNDS = 3
"""Rounds with each of two hash seeds. A candidate that is right at random, with probability p, passes all rounds with
probability (p * (1 - p**2))**6, at most 0.4 %."""
FEW = 8
"""Number of questions that a box is asked first before the one that is examined; if it is still right, it and all
others, and then it is asked until it is wrong, as `repeated_questions` may have done."""


async def depends_on_other_questions(
    pool: BoxPool, questions: Questions, plan: Plan, key: bytes, hash_seeds: tuple[int, int]
) -> bool:
    """Whether a shared question always has a right answer alone, and a wrong one after others.

    False where the right answer is unknown, or where `accept` decides: two different answers may then both be right.

    Args:
        pool: Opens up to three boxes for each round.
        hash_seeds: The hash seeds of the two attempts that disagree.

    Raises:
        InfraError: if no box can be opened.
    """
    question = next((one for one in questions.shared if one.key == key and one.expected is not None), None)
    if question is None or questions.is_judged_by_accept:
        return False
    others = [one for one in questions.shared if one is not question]
    for hash_seed in hash_seeds * ROUNDS:
        alone = await ask_once(pool, plan, question, hash_seed)
        if isinstance(alone, BoxFault) or not await right_alone(questions, question, alone):
            return False
        later = await ask_once(pool, plan, question, hash_seed, before=others[:FEW])
        if not isinstance(later, BoxFault) and await right_alone(questions, question, later):
            later = await ask_once(pool, plan, question, hash_seed, before=[question, *others, *[question] * MAX_TURNS])
        if isinstance(later, BoxFault) or await right_alone(questions, question, later):
            return False
    return True


async def ask_once(
    pool: BoxPool, plan: Plan, question: Question, hash_seed: int, *, before: Iterable[Question] = ()
) -> Reply | BoxFault:
    """The reply to one question in a fresh box, after the questions `before`, or the fault of the box.

    Raises:
        InfraError: if no box can be opened.
    """
    try:
        async with opened(pool, plan, hash_seed) as box:
            for other in before:
                await ask(pool, box, other.key, due=other.due)
            answer = await ask(pool, box, question.key, due=question.due)
            return Reply(answer.kind, answer.payload)
    except BoxFault as fault:
        return fault
