"""ToolFault: a tool could not do what the program asked for."""

from __future__ import annotations

from harness.core.status import Status


class ToolFault(Exception):  # noqa: N818 - a fault of the program, not an error of this package
    """What went wrong; the program tries again or fails."""

    def __init__(self, status: Status, why: str) -> None:
        self.status, self.why = status, why
        super().__init__(f"{status}: {why}")
