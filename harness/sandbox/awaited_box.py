"""Awaited box: asks a `PolledBox` from a coroutine of a `Loop`."""

from __future__ import annotations

from harness.sandbox.answer import Answer
from harness.sandbox.loop import Wait
from harness.sandbox.polled_box import PolledBox


async def loaded(box: PolledBox) -> None:
    """Wait until the source of a box is loaded.

    Raises:
        BoxFault: if it cannot be loaded.
        InfraError: if a layer of the box failed.
    """
    while not box.is_idle:
        await _event(box)
        box.receive_ready()


async def ask(box: PolledBox, question: bytes, *, due: int = 0) -> Answer:
    """Ask one question in canonical JSON.

    Args:
        box: A box that is loaded and idle.
        question: The question.
        due: Length in bytes of the right answer, so that a large one is accepted; 0 where it is unknown.

    Raises:
        BoxFault: timeout, crash, memory, output or protocol; the box cannot be used afterwards.
    """
    box.allow(due)
    box.send(question)
    while True:
        await _event(box)
        answer = box.receive_ready()
        if answer is not None:
            return answer


def _event(box: PolledBox) -> Wait:
    return Wait(box.deadline, box.fileno(), box.write_fileno() if box.unsent else -1)
