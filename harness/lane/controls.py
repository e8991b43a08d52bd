"""Controls: candidates whose verdicts are known, by which a judge is checked while it works."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Controls:
    """The controls of one tool.

    Attributes:
        honest: The source of a candidate that must pass; None if the tool has none.
        cheats: Sources of candidates that must not pass, by name.
    """

    entry: str
    honest: bytes | None
    cheats: Mapping[str, str]
