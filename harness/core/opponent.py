"""Opponent: another subject that one is measured against."""

from __future__ import annotations

from typing import Literal

from harness.core.case import Subject
from harness.core.frozen import Frozen


class Opponent(Frozen):
    """A subject of the same suite, and what it is to the one being judged."""

    role: Literal["parent", "champion"]
    """`parent`: the subject says it was derived from it. `champion`: it leads the suite's leaderboard."""
    subject: Subject
