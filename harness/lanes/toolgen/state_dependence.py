"""State dependence: whether an answer depends on the questions that the same box was asked before."""

from __future__ import annotations

from collections.abc import Iterable

from harness.lanes.toolgen.attempt import Plan
from harness.lanes.toolgen.oracle import Reply
from harness.lanes.toolgen.questions import Question, Questions
from harness.sandbox.fault import BoxFault
from harness.sandbox.pool import BoxPool


def ask_once(
    pool: BoxPool, plan: Plan, question: Question, hash_seed: int, *, before: Iterable[Question] = ()
) -> Reply | BoxFault:
    """The reply to one question in a fresh box, after the questions `before`, or the fault of the box.

    Raises:
        InfraError: if no box can be opened.
    """
    try:
        with pool.open(plan.source, entry=plan.box_entry, limits=plan.limits, hash_seed=hash_seed) as box:
            for other in before:
                box.allow(other.due)
                box.ask(other.key)
            box.allow(question.due)
            answer = box.ask(question.key)
            return Reply(answer.kind, answer.payload)
    except BoxFault as fault:
        return fault


ROUNDS = 3
"""Rounds with each of two hash seeds. A candidate that is right at random, with probability p, passes all rounds with
probability (p * (1 - p**2))**6, at most 0.4 %."""
FEW = 8
"""Number of questions that a box is asked first before the one that is examined; if it is still right, all others."""


def depends_on_other_questions(
    pool: BoxPool, questions: Questions, plan: Plan, key: bytes, hash_seeds: tuple[int, int]
) -> bool:
    """Whether a shared question is always answered rightly alone, and wrongly after others.

    False where the right answer is unknown, or where `accept` decides: two different answers may then both be right.

    Args:
        pool: Opens up to three boxes for each round.
        questions: The questions.
        plan: How the candidate is asked.
        key: The key of the question.
        hash_seeds: The hash seeds of the two attempts that disagree.

    Raises:
        InfraError: if no box can be opened.
    """
    question = next((one for one in questions.shared if one.key == key and one.expected is not None), None)
    if question is None or questions.is_judged_by_accept:
        return False
    others = [one for one in questions.shared if one is not question]
    for hash_seed in hash_seeds * ROUNDS:
        alone = ask_once(pool, plan, question, hash_seed)
        if isinstance(alone, BoxFault) or not questions.right(question, alone):
            return False
        later = ask_once(pool, plan, question, hash_seed, before=others[:FEW])
        if not isinstance(later, BoxFault) and questions.right(question, later):
            later = ask_once(pool, plan, question, hash_seed, before=others)
        if isinstance(later, BoxFault) or questions.right(question, later):
            return False
    return True
