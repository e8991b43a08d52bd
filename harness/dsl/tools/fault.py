"""ToolFault: a tool did not do what the program asked for."""

from __future__ import annotations

from harness.core.status import Status


class ToolFault(Exception):  # noqa: N818 - the program's fault, not an error of ours
    """What went wrong, as a status; the program may try again, or fails."""

    def __init__(self, status: Status, why: str) -> None:
        self.status, self.why = status, why
        super().__init__(f"{status}: {why}")
