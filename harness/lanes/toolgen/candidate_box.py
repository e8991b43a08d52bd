"""Candidate box: a box with a candidate loaded."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from harness.lanes.toolgen.plan import Plan
from harness.sandbox.awaited_box import opened as open_box
from harness.sandbox.polled_box import PolledBox
from harness.sandbox.pool import BoxPool
from harness.sandbox.wire import COMPILED


@asynccontextmanager
async def opened(pool: BoxPool, plan: Plan, hash_seed: int) -> AsyncIterator[PolledBox]:
    """A box with the candidate loaded.

    Raises:
        BoxFault: if it cannot be loaded, or if it sent something after the last answer.
        InfraError: if no box can be opened.
    """
    limits, is_alone = plan.limits, not plan.is_batched
    source, entry = plan.code or plan.source, plan.entry_for(plan.imports, *([COMPILED] if plan.code else []))
    with await open_box(pool, source, entry=entry, limits=limits, hash_seed=hash_seed, is_alone=is_alone) as box:
        yield box
