"""Schedule: the order of an attempt's questions, their pauses, and which of them are asked one by one."""

from __future__ import annotations

import math
import random
from collections import deque
from collections.abc import Sequence

from harness.lanes.toolgen.plan import Plan
from harness.lanes.toolgen.questions import Origin, Question
from harness.lanes.toolgen.repeated_questions import repeated_questions

PAUSES = 24
"""Pauses of a case over all attempts. An answer that is wrong in 20 % of all milliseconds is missed at 24 independent
moments with probability 0.8**24, about once in 200 cases; without pauses all questions share one moment."""
MIN_PAUSES = 8  # of one attempt, for cases with few attempts
MANY_PAUSES = 96  # in all attempts, above which MIN_PAUSES does not apply: each attempt starts at its own moment
MAX_FAULTS = 2  # after which the remaining inputs without a known answer, or derived ones, count as not handled
TIMED = 8  # ordinary questions of a process that are timed one by one, at least
_SCREENING: tuple[Origin, ...] = ("example", "drawn", "extra", "edge", "derived", "workload")


class Schedule:
    """What one attempt asks, in order.

    Args:
        shared: The questions of all attempts.
        extras: The questions of this attempt.
        index: Index of the attempt, from 0.
        rng: Seeded by the attempt's secret seed.

    Attributes:
        waiting: Whether there is a pause before it, the number, and the question, of each that is still to be asked.
        moment: How many questions are left when the workloads have their turn.
        repeated: Questions that are asked again at the end.
        pauses: Number of pauses that the attempt has where they can matter.
        singles: Number of questions that are asked one by one before the others are asked at once.
    """

    def __init__(
        self, plan: Plan, shared: Sequence[Question], extras: Sequence[Question], index: int, rng: random.Random
    ) -> None:
        numbered = list(enumerate((*shared, *extras)))
        if plan.is_screening:
            numbered.sort(key=lambda one: (_SCREENING.index(one[1].origin), len(one[1].key)))
        else:
            rng.shuffle(numbered)
        least = min(MIN_PAUSES, math.ceil(MANY_PAUSES / plan.attempts))
        is_first = plan.jitter_ms[1] > 0 and index < plan.attempts
        self.pauses = max(least, math.ceil(PAUSES / plan.attempts)) if is_first else 0
        paused = set(rng.sample(range(len(numbered)), min(self.pauses, len(numbered)) if plan.is_paused else 0))
        self.moment = 0 if plan.is_screening else rng.randrange(len(numbered) + 1)
        self.repeated = [] if plan.is_screening else repeated_questions(shared, rng)
        self.singles = 0 if plan.is_batched else math.inf if plan.is_paused else TIMED
        lost = plan.answers.unanswered
        # Each further fault may cost a whole time budget.
        count, is_hopeless = len(shared), len(lost) >= MAX_FAULTS
        self.waiting = deque(
            (turn in paused, number, question)
            for turn, (number, question) in enumerate(numbered)
            if question.key not in lost and not (is_hopeless and question.expected is None and number >= count)
        )
