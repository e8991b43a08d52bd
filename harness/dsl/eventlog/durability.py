"""Durability: the failures that a run's log survives."""

from __future__ import annotations

from enum import StrEnum


class Durability(StrEnum):
    """What a commit survives. At each level an interrupted run resumes without silently repeating an effect."""

    PROCESS = "process"
    """Survives `kill -9` of this process: SQLite's WAL with `synchronous=NORMAL`."""
    POWER = "power"
    """Also survives a power loss: each commit before and after an effect waits for the disk, `synchronous=FULL`."""
    MEMORY = "memory"
    """Survives nothing; for tests, and for searches that can be repeated."""

    @property
    def promise(self) -> str:
        """The guarantee of the level, one line for reports."""
        return _PROMISES[self]


_PROMISES = {
    Durability.PROCESS: "process (survives kill -9, not a power cut)",
    Durability.POWER: "power (survives kill -9 and a power cut, if the disk honours flushes)",
    Durability.MEMORY: "memory (lost when the process ends)",
}
