"""BoxFault: the subject ended its box, or the parent had to end it."""

from __future__ import annotations

import os
import signal

from harness.core.status import Status
from harness.sandbox.limits import Limits
from harness.sandbox.usage import ExitStatus
from harness.sandbox.wire import SUBJECT_EXITED


class BoxFault(Exception):  # noqa: N818 - "fault" is the word of the design: it is the subject's, not an error of ours
    """A failure caused by the subject; its box has ended.

    Args:
        status: crash, timeout, memory, output or protocol.
        why: One sentence for the report, without control characters made by the candidate.
    """

    def __init__(self, status: Status, why: str) -> None:
        self.status, self.why = status, why
        super().__init__(f"{status}: {why}")


def exit_fault(exit_status: ExitStatus, when: str, *, cpu_ms: float, limits: Limits) -> BoxFault:
    """The fault of a box whose process ended by itself, or by the kernel's limit of CPU time."""
    overspent = cpu_ms >= limits.cpu_seconds * 1e3
    if exit_status.signal == signal.SIGXCPU or (exit_status.signal == signal.SIGKILL and overspent):
        return BoxFault(Status.TIMEOUT, f"more than {limits.cpu_seconds:g} s of CPU time {when}")
    if exit_status.signal:
        return BoxFault(Status.CRASH, f"the process was ended by signal {exit_status.signal} {when}")
    code = os.waitstatus_to_exitcode(exit_status.wait_status)
    how = "with SystemExit or KeyboardInterrupt" if code == SUBJECT_EXITED else f"with exit status {code}"
    return BoxFault(Status.CRASH, f"the process exited {when} {how}")
