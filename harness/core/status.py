"""Status: one word for what happened to a case, and one for the state of a run."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class Status(StrEnum):
    """The status of an evaluation. Declared in order of precedence: of several, the first one counts."""

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
        """Position in the order of precedence; 0 for the status that outranks all others."""
        return _ORDER[self]

    @property
    def blames_subject(self) -> bool:
        """Whether this status is a fault of the subject, and not of Crucible, the machine or a disturbance."""
        return self not in (Status.INFRA, Status.REVIEW, Status.NOISY, Status.SKIPPED, Status.OK)


class RunStatus(StrEnum):
    """The state of a run in the ledger."""

    RUNNING = "running"
    FINISHED = "finished"
    ABORTED = "aborted"


_ORDER = {status: rank for rank, status in enumerate(Status)}


def first_of(statuses: Iterable[Status]) -> Status:
    """The status that takes precedence over the others; `ok` for none."""
    return min(statuses, key=lambda status: status.precedence, default=Status.OK)
