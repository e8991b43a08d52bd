"""RunSettings: what a run was started with and a resumed one needs again; kept beside the log, not in its chain."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from harness.core.frozen import Frozen
from harness.lanes.dsl.eventlog.durability import Durability
from harness.providers.choosing import Backend


class RunSettings(Frozen):
    """Settings of one run."""

    live: bool = False
    """Whether effects happen; else they answer from recordings, and what was not recorded is simulated."""
    backend: Backend = Backend()
    """Who answers questions."""
    durability: Durability = Durability.PROCESS
    grants: tuple[str, ...] = ()
    """Programs that may run outside of a box."""
    recordings: str = ""
    """Path of recorded effects: replayed when not live, added to when live."""
    events: str = ""
    """Where events of service loops come from: a file, `unix:PATH` or `tcp:HOST:PORT`."""
    seconds: float = Field(default=60.0, gt=0)
    """Wall time of a command."""
    memory_mb: float = Field(default=256.0, gt=0)
    """Memory of a command in a box."""
    hash_seed: int = 0
    """PYTHONHASHSEED of commands."""
    workers: int = Field(default=1, ge=1)
    """Points of a search that are measured at the same time."""
    limits: dict[str, float] = {}
    """Budget of the run: steps, iterations, queries, events, tokens, wall_s."""
    group: int = Field(default=64, ge=1)
    """Pure events for each commit."""
    path: str = ""
    """Where the program was read from, for messages."""
    source: str = ""
    """Address of the program's text among the blobs."""
    resolutions: tuple[dict[str, Any], ...] = ()
    """Effects in doubt that somebody allowed to repeat: who decided is no part of what happened."""
    repeated: int = 0
    """Effects that were had again under their key after a crash."""
