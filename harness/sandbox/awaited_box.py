"""Awaited box: asks a `PolledBox` from a coroutine of a `Loop`."""

from __future__ import annotations

import time
from collections.abc import Sequence

from harness.sandbox.answer import Answer
from harness.sandbox.limits import Limits
from harness.sandbox.loop import Wait
from harness.sandbox.polled_box import PolledBox
from harness.sandbox.pool import BoxPool


async def opened(
    pool: BoxPool, source: bytes, *, entry: str, limits: Limits, hash_seed: int, is_alone: bool = True
) -> PolledBox:
    """Open a box and wait until it has loaded a source; arguments as for `BoxPool.open`. The caller closes it.

    Args:
        pool: Opens the box.
        source: The subject's source file, as bytes.
        entry: Name of the function that the source must define.
        limits: Limits of the box.
        hash_seed: PYTHONHASHSEED.
        is_alone: Whether no other box of the pool computes at the same time.

    Raises:
        BoxFault: if the source cannot be loaded.
        InfraError: if no box can be opened.
    """
    async with pool.computing.taken(pool.computing.count if is_alone else 1):
        box = pool.begin(source, entry=entry, limits=limits, hash_seed=hash_seed)
        try:
            while not box.is_idle:
                await _event(box)
                box.receive_ready()
        except BaseException:
            box.close()
            raise
    return box


async def ask(pool: BoxPool, box: PolledBox, question: bytes, *, due: int = 0, is_timed: bool = True) -> Answer:
    """Ask one question in canonical JSON, when it is this coroutine's turn.

    Few boxes of a pool compute at a time, and a slow one alone: several would share the cores, and each would seem
    slower than it is. Where that does not matter, an endless one must not keep the others waiting.

    Args:
        pool: The pool of the box.
        box: A box that is loaded and idle.
        question: The question.
        due: Length in bytes of the right answer, so that a large one is accepted; 0 where it is unknown.
        is_timed: Whether the time that it takes matters beyond its limit.

    Raises:
        BoxFault: timeout, crash, memory, output or protocol; the box cannot be used afterwards.
    """
    async with pool.computing.taken(1 if box.is_quick or not is_timed else pool.computing.count):
        box.allow(due)
        begun = time.monotonic()
        box.send(question)
        while True:
            event = _event(box)
            await event
            answer = box.receive_ready(event.since - begun)
            if answer is not None:
                return answer


async def ask_all(
    pool: BoxPool, box: PolledBox, questions: Sequence[bytes], *, due: int = 0, seconds: float | None = None
) -> list[Answer]:
    """Ask several questions at once; see `PolledBox.send_all` for what is given up. Each answer has the mean times.

    Args:
        pool: The pool of the box.
        box: A box that is loaded and idle.
        questions: The questions.
        due: Length in bytes of all right answers together.
        seconds: The limit of each call; the box's own by default.

    Raises:
        BoxFault: timeout, crash, memory, output or protocol; the box cannot be used afterwards.
    """
    answers: list[Answer] = []
    async with pool.computing.taken(1):
        box.allow(due)
        begun = since = time.monotonic()
        box.send_all(questions, seconds=seconds)
        while len(answers) < len(questions):
            answer = box.receive_ready()
            if answer is not None:
                answers.append(answer)
                continue
            event = _event(box)
            await event
            since = event.since
    # The subject decides when it sends each of them; it does not decide when the last one has come.
    count = max(1, len(answers))
    mean, least = sum(answer.seconds for answer in answers) / count, max(0.0, since - begun) / count
    total = answers[-1].cpu_seconds if answers else None
    cpu = None if total is None else total / count
    return [Answer(answer.kind, answer.payload, mean, cpu, min(mean, least)) for answer in answers]


def _event(box: PolledBox) -> Wait:
    return Wait(box.deadline, box.fileno(), box.write_fileno() if box.unsent else -1)
