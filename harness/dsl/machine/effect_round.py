"""EffectRound: performs effects concurrently until all are done, a deadline passes, or they are interrupted."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from harness.core.resources import start_thread
from harness.dsl.machine.external_effects import Interrupted
from harness.dsl.plain import field, mutable

POLL_S = 0.1
JOIN_S = 2.0  # seconds to wait for the threads of interrupted effects, whose processes are killed
Writer = Callable[[], None]
"""Writes the result of a performed effect to the log."""


@mutable
class Call:
    """One effect of a round.

    Attributes:
        perform: Performs it; returns what writes its result, None if there is no result now.
        is_quick: Whether it cannot wait, so that it needs no thread.
        writer: What `perform` returned.
        is_cut: Whether it was still running when the round was interrupted.
    """

    perform: Callable[[], Writer | None]
    is_quick: bool
    writer: Writer | None = None
    is_cut: bool = False
    errors: list[BaseException] = field(default_factory=list)


def perform_round(
    calls: Sequence[Call], *, seconds: float, is_interrupted: Callable[[], bool], interrupt: Callable[[], None]
) -> None:
    """Perform all calls; those that are not done after some seconds, or at an interruption, are cut.

    Args:
        calls: Quick ones are performed first, one after the other.
        seconds: Until all of them must be done.
        is_interrupted: Whether a user asked to end the run.
        interrupt: Ends the processes of what is running.
    """
    threads = []
    for call in calls:
        if call.is_quick:
            _perform(call)
        else:
            threads.append((start_thread(_perform, call, name="crucible-effect"), call))
    deadline = time.monotonic() + seconds
    try:
        for thread, _ in threads:
            while thread.is_alive() and time.monotonic() < deadline and not is_interrupted():
                thread.join(max(0.0, min(POLL_S, deadline - time.monotonic())))
    finally:
        running = [(thread, call) for thread, call in threads if thread.is_alive()]
        if running:
            for _, call in running:
                call.is_cut = True
            interrupt()
            late = time.monotonic() + JOIN_S
            for thread, _ in running:
                thread.join(max(0.0, late - time.monotonic()))
    for call in calls:
        if call.errors:
            raise call.errors[0]


def _perform(call: Call) -> None:
    try:
        writer = call.perform()
    except Interrupted:
        call.is_cut = True
    except BaseException as error:  # it is raised again in the thread of the machine
        call.errors.append(error)
    else:
        call.writer = None if call.is_cut else writer
