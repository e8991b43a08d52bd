"""Opponent: another subject that a subject is compared with."""

from __future__ import annotations

from typing import Literal

from harness.core.case import Subject
from harness.core.frozen import Frozen


class Opponent(Frozen):
    """Another subject of the same suite, and its relation to the judged one."""

    role: Literal["parent", "champion"]
    """`parent`: the judged subject declares it as a parent. `champion`: it leads the suite's leaderboard."""
    subject: Subject
