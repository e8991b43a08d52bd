"""Run: one pytest invocation (or one verb that evaluates)."""

from __future__ import annotations

from datetime import datetime

from pydantic import NonNegativeInt

from harness.core.frozen import Frozen
from harness.core.tier import Tier


class Run(Frozen):
    """A run as it is known at its start; the ledger adds status and end."""

    run_id: str
    """Sorts by start time (see `new_run_id`)."""
    started_at: datetime
    """Time-zone aware."""
    epoch: NonNegativeInt
    secret_seed: int
    tier: Tier | None
    """None until a box was probed, or when no case uses a box."""
    machine: str
    """A class of machines whose numbers may be compared."""
    git_commit: str = ""
    command: str = ""
    versions: dict[str, str] = {}
    shard: str = ""
    """`2/4 DIGEST`: part 2 of the partition with this digest; empty for a whole run."""
    selected: NonNegativeInt | None = None
    """How many cases were selected; None where cases come one by one."""
    gates: tuple[str, ...] = ()
    """Of a part: the gates of the whole, which are evaluated once its parts are merged."""
    gate_plugins: tuple[str, ...] = ()
    """Of a part: the plugins that have gates (`crucible_gates`) of the whole."""
    parts: tuple[str, ...] = ()
    """The runs whose evaluations this one repeats as the whole of their partition; empty for a run of its own."""


def new_run_id(started_at: datetime, entropy: int) -> str:
    """`20261122-113711-1a2b3c`: readable, sortable, unique enough for two runs of one second."""
    return f"{started_at:%Y%m%d-%H%M%S}-{entropy & 0xFFFFFF:06x}"
