"""BoxFault: the subject ended its box, or the parent had to end it."""

from __future__ import annotations

import os
import signal

from harness.core.clip import clip
from harness.core.status import Status
from harness.sandbox.importable import instead_of
from harness.sandbox.limits import Limits
from harness.sandbox.usage import ExitStatus
from harness.sandbox.wire import GUARD_ENDED, SUBJECT_EXITED


class BoxFault(Exception):  # noqa: N818 - "fault" is the word of the design: it is the subject's, not an error of ours
    """A failure caused by the subject; its box has ended.

    Args:
        status: crash, timeout, memory, output or protocol.
        why: One sentence for the report, without control characters made by the candidate.
    """

    def __init__(self, status: Status, why: str) -> None:
        self.status, self.why = status, why
        super().__init__(f"{status}: {why}")


class GuardFault(BoxFault):
    """The guard of a box saw an event that its tool forbids.

    Args:
        event: The event of Python's audit hooks, and what it was about.
        line: 1-based line of the subject; 0 if it is unknown.
        when: When it happened.
    """

    def __init__(self, event: str, line: int, when: str) -> None:
        self.event, self.line = event, line
        where = f" at line {line}" if line else ""
        advice = instead_of(event.partition("(")[0])
        why = f"it caused the event {event}{where} {when}, which its tool forbids"
        super().__init__(Status.FORBIDDEN, why + (advice and f" ({advice})"))


def guard_fault(body: bytes, when: str) -> GuardFault:
    """The fault of a box that its guard ended, from the guard's frame: line, event and detail."""
    line, _, said = body.decode("utf-8", "replace").partition("\n")
    event, _, detail = said.partition("\n")
    shown = clip(f"{event}({detail!a})" if detail else event, limit=160)
    return GuardFault(shown, int(line) if line.isascii() and line.isdigit() and len(line) < 8 else 0, when)


def exit_fault(exit_status: ExitStatus, when: str, *, cpu_ms: float, limits: Limits) -> BoxFault:
    """The fault of a box whose process ended by itself, or by the kernel's limit of CPU time."""
    overspent = cpu_ms >= limits.cpu_seconds * 1e3
    if exit_status.signal == signal.SIGXCPU or (exit_status.signal == signal.SIGKILL and overspent):
        return BoxFault(Status.TIMEOUT, f"more than {limits.cpu_seconds:g} s of CPU time {when}")
    if exit_status.signal:
        return BoxFault(Status.CRASH, f"the process was ended by signal {exit_status.signal} {when}")
    code = os.waitstatus_to_exitcode(exit_status.wait_status)
    if code == GUARD_ENDED:
        return GuardFault("that its channel did not report", 0, when)
    how = "with SystemExit or KeyboardInterrupt" if code == SUBJECT_EXITED else f"with exit status {code}"
    return BoxFault(Status.CRASH, f"the process exited {when} {how}")
