"""Repeated questions: which questions an attempt asks again, and how often."""

from __future__ import annotations

import random
from collections.abc import Sequence

from harness.lanes.toolgen.questions import Question

MAX_TURNS = 8


def repeated_questions(asked: Sequence[Question], rng: random.Random) -> list[Question]:
    """One question that is asked again once, and one that is asked again at least twice, in any order.

    State that a candidate keeps by input shows at no other question. The second question is asked again at least
    `k` + 1 times with probability 1 / `k`, up to `MAX_TURNS` + 1 times: 2.7 calls more than twice, on average.

    Args:
        asked: Questions that were asked once; those without a known answer are left out.
        rng: Seeded by the secret, so that a candidate cannot count to the last time.
    """
    known = [one for one in asked if one.expected is not None]
    if len(known) < 2:
        return known * 2
    once, often = rng.sample(known, 2)
    turns = min(MAX_TURNS, int(1 / (1 - rng.random())))
    found = [once, *[often] * (1 + turns)]
    rng.shuffle(found)
    return found
