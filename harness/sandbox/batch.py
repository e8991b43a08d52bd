"""Batch: questions that are asked at once, and one by one only where that matters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.sandbox.answer import Answer
from harness.sandbox.fault import BoxFault
from harness.sandbox.limits import Limits
from harness.sandbox.pool import BoxPool
from harness.sandbox.usage import Usage


@dataclass(frozen=True, slots=True)
class Batch:
    """The result of asking several questions.

    Attributes:
        answers: The answers, in order, up to the fault.
        fault: The fault of the box; the question with index `len(answers)` caused it, or loading if `usage` is None.
        usage: What the box used; None if the source could not be loaded.
    """

    answers: list[Answer]
    fault: BoxFault | None = None
    usage: Usage | None = None


def ask_batch(
    pool: BoxPool,
    source: bytes,
    questions: Sequence[bytes],
    *,
    entry: str,
    limits: Limits | None = None,
    hash_seed: int | None = None,
    due: Sequence[int] = (),
) -> Batch:
    """Ask a fresh box all questions at once; after a fault, ask another one by one to find the question that causes it.

    A fault is only reported if it happens one by one too. For questions that are not timed: see `PolledBox.send_all`.

    Args:
        pool: Opens one box, or two after a fault.
        source: The subject's source file.
        questions: Canonical JSON of the keyword arguments.
        entry: Name of the function.
        limits: Limits of each box.
        hash_seed: PYTHONHASHSEED of each box.
        due: Lengths of right answers, where they are known.

    Raises:
        InfraError: if no box can be opened.
    """
    box = None
    try:
        with pool.open(source, entry=entry, limits=limits, hash_seed=hash_seed) as box:
            box.allow(sum(due))
            answers = box.ask_all(questions)
        return Batch(answers, usage=box.usage)
    except BoxFault as fault:
        if box is None:
            return Batch([], fault)
    answers, box = [], None
    try:
        with pool.open(source, entry=entry, limits=limits, hash_seed=hash_seed) as box:
            for number, question in enumerate(questions):
                box.allow(due[number] if number < len(due) else 0)
                answers.append(box.ask(question))
    except BoxFault as fault:
        return Batch(answers, fault, box.usage if box is not None else None)
    return Batch(answers, usage=box.usage)
