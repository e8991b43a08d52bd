"""Status: one word for what happened to a case."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class Status(StrEnum):
    """What happened. Declared in order of precedence: of several, the first one counts."""

    INFRA = "infra"
    FORBIDDEN = "forbidden"
    PROTOCOL = "protocol"
    CRASH = "crash"
    TIMEOUT = "timeout"
    MEMORY = "memory"
    OUTPUT = "output"
    WRONG = "wrong"
    FLAKY = "flaky"
    REVIEW = "review"
    NOISY = "noisy"
    SKIPPED = "skipped"
    OK = "ok"

    @property
    def precedence(self) -> int:
        """0 for the status that outranks all others."""
        return _ORDER[self]

    @property
    def blames_subject(self) -> bool:
        """Whether this status says something about the subject (and not about us, the machine or the moment)."""
        return self not in (Status.INFRA, Status.REVIEW, Status.NOISY, Status.SKIPPED, Status.OK)


_ORDER = {status: rank for rank, status in enumerate(Status)}


def first_of(statuses: Iterable[Status]) -> Status:
    """The status that counts when several were seen; `ok` when none was."""
    return min(statuses, key=lambda status: status.precedence, default=Status.OK)
