"""BoxFault: the subject ended its box, or the parent had to end it."""

from __future__ import annotations

from harness.core.status import Status


class BoxFault(Exception):  # noqa: N818 - "fault" is the word of the design: it is the subject's, not an error of ours
    """A failure caused by the subject; its box has ended.

    Args:
        status: crash, timeout, memory, output or protocol.
        why: One sentence for the report, without control characters made by the candidate.
    """

    def __init__(self, status: Status, why: str) -> None:
        self.status, self.why = status, why
        super().__init__(f"{status}: {why}")
