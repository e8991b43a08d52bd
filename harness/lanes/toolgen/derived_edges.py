"""Derived edge inputs are asked in the box of an attempt, and in fresh ones after a fault."""

from __future__ import annotations

from harness.lanes.toolgen.candidate_box import opened
from harness.lanes.toolgen.plan import Plan
from harness.lanes.toolgen.questions import Question, Questions
from harness.lanes.toolgen.reply import Reply
from harness.lanes.toolgen.schedule import MAX_FAULTS
from harness.sandbox.awaited_box import ask
from harness.sandbox.fault import BoxFault, GuardFault
from harness.sandbox.polled_box import PolledBox
from harness.sandbox.pool import BoxPool


async def ask_derived(pool: BoxPool, box: PolledBox, questions: Questions, plan: Plan) -> int:
    """Ask the derived edge inputs in the box of an attempt; after a fault it is closed and a fresh one continues.

    Returns:
        How many are handled as the reference does.

    Raises:
        GuardFault: if a forbidden event happened.
        SpecError: if the oracle's `accept` fails.
        InfraError: if no box can be opened.
    """
    waiting = list(reversed(questions.derived))
    handled = await _ask_waiting(pool, box, waiting, questions)
    for _ in range(MAX_FAULTS - 1):
        if not waiting:
            break
        waiting.pop()  # the guilty one
        try:
            async with opened(pool, plan, plan.hash_seeds[0]) as fresh:
                handled += await _ask_waiting(pool, fresh, waiting, questions)
        except GuardFault:
            raise
        except BoxFault:
            break
    return handled


async def _ask_waiting(pool: BoxPool, box: PolledBox, waiting: list[Question], questions: Questions) -> int:
    """Ask until the list is empty or the box ends at its last question."""
    handled = 0
    while waiting:
        question = waiting[-1]
        try:
            answer = await ask(pool, box, question.key, due=question.due)
            handled += await questions.right(question, Reply(answer.kind, answer.payload))
        except GuardFault:
            raise
        except BoxFault:
            box.close()
            break
        waiting.pop()
    return handled
