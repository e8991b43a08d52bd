"""BoxFault: the subject ended its box, or its box had to be ended."""

from __future__ import annotations

from harness.core.status import Status


class BoxFault(Exception):  # noqa: N818 - "fault" is the word of the design: it is the subject's, not an error of ours
    """What a subject did to its box; the box is dead afterwards.

    Args:
        status: crash, timeout, memory, output or protocol.
        why: One sentence for people, free of candidate-made control characters.
    """

    def __init__(self, status: Status, why: str) -> None:
        self.status, self.why = status, why
        super().__init__(f"{status}: {why}")
