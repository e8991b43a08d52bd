"""Judging: a candidate that a pool judges now, and all who wait for its verdict."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path

from harness.judge.verdict import Verdict


@dataclass(slots=True, eq=False)
class Judging:
    """A candidate on its way.

    Attributes:
        key: The digest of all that its verdict depends on.
        path: Its file.
        callers: Those who wait.
        judged: The result of its judge process.
    """

    key: str
    path: Path
    callers: list[Future[Verdict]] = field(default_factory=list)
    judged: Future[str] | None = None
