"""OpenRun: a run that is registered in the ledger, and the values that are fixed when it opens."""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from harness.core.case import Case
from harness.core.run import Run, new_run_id
from harness.core.tier import Tier
from harness.judge.provenance import git_commit, machine, versions
from harness.lane.fingerprint import engine_of
from harness.lane.registry import Registry
from harness.ledger.store import Ledger
from harness.session.run_gates import check_gates
from harness.session.selection import SHARD
from harness.suites.settings import Settings


@dataclass(frozen=True, slots=True)
class OpenRun:
    """A registered run with its ledger; it exists on the controller only.

    Attributes:
        ledger: Open for writing until the session ends.
        tier: The isolation that the probe proved; None where no selected case uses a box.
        protect: Folders that boxes hide.
        cases: The selected cases by node id.
        baselines: The run id for each run that a gate names.
        begun: When it was opened, by `time.monotonic`: the clock of `run.started_at` may be set meanwhile.
    """

    run: Run
    ledger: Ledger
    tier: Tier | None
    protect: tuple[Path, ...]
    cases: Mapping[str, Case]
    baselines: Mapping[str, str]
    begun: float = field(default_factory=time.monotonic)


def open_run(
    config: pytest.Config,
    settings: Settings,
    registry: Registry,
    *,
    cases: Mapping[str, Case],
    tier: Tier | None,
    protect: tuple[Path, ...],
) -> OpenRun:
    """Open the ledger and register the run.

    Args:
        cases: The selected cases by node id.
        protect: Folders that boxes hide.

    Raises:
        LedgerError: if the ledger cannot be written; nothing has run yet.
        UsageError: if a gate names a lane or a run that does not exist.
    """
    started = datetime.now(UTC)
    run = Run(
        # Microseconds come first, so that runs of one second sort by their start.
        run_id=new_run_id(started, started.microsecond << 4 | os.urandom(1)[0] & 15),
        started_at=started,
        epoch=settings.epoch,
        secret_seed=settings.secret_seed,
        tier=tier,
        machine=machine(),
        git_commit=git_commit(config.rootpath),
        command=shlex.join(["pytest", *map(str, config.invocation_params.args)]),
        versions=versions() | engine_of(registry.lanes, {case.lane for case in cases.values()}),
        shard=(shard := config.stash.get(SHARD, "")),
        selected=len(cases),
        gates=settings.gates if shard else (),
        gate_plugins=registry.implementers("crucible_gates") if shard else (),
    )
    ledger = Ledger.open(settings.ledger)
    try:
        # The runs that gates of a whole name are those of the ledger that its parts are merged into.
        baselines = check_gates(settings.gates, registry.lanes, None if shard else ledger)
        ledger.begin(run)
    except BaseException:
        ledger.close()
        raise
    return OpenRun(run, ledger, tier, protect, cases, baselines)
