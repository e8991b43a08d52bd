"""Durability: what a run's log survives."""

from __future__ import annotations

from enum import StrEnum


class Durability(StrEnum):
    """How much a commit promises. Whatever the level, an interrupted run resumes without a silently repeated effect."""

    PROCESS = "process"
    """Survives the death of this process (`kill -9`): SQLite's WAL, `synchronous=NORMAL`."""
    POWER = "power"
    """Survives the loss of power as well: each commit around an effect waits for the disk, `synchronous=FULL`."""
    MEMORY = "memory"
    """Survives nothing; for tests and searches whose every point can be had again."""

    @property
    def promise(self) -> str:
        """What reports print beside a run."""
        return _PROMISES[self]


_PROMISES = {
    Durability.PROCESS: "process (survives kill -9, not a power cut)",
    Durability.POWER: "power (survives kill -9 and a power cut, as far as the disk keeps its word)",
    Durability.MEMORY: "memory (lost when the process ends)",
}
