"""Reuse: evidence of earlier runs that still applies to a case of this one (docs/reuse.md)."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import NamedTuple

from harness.core.case import Case
from harness.core.evidence import Evidence
from harness.judge.known import is_reusable
from harness.judge.provenance import machine
from harness.lane.protocol import Lane
from harness.lane.registry import Registry
from harness.ledger import queries
from harness.session.open_run import OpenRun


class Reused(NamedTuple):
    """Evidence of an earlier run, and the secret seed of that run; None if it is not in the ledger any more."""

    evidence: Evidence
    secret_seed: int | None


def reusable_evidence(opened: OpenRun, registry: Registry, option: argparse.Namespace) -> dict[str, Reused]:
    """Evidence of earlier runs that is reused, by node id.

    Only for cases of which the lane declares, by `keyed`, that their inputs name the content of everything the verdict
    depends on.

    Args:
        opened: The run; its ledger has the earlier runs.
        option: pytest's options; a case that pytest-benchmark must time in this run is not reused.
    """
    needs_times = wants_samples(option)
    keys = {
        nodeid: case.stored_key
        for nodeid, case in opened.cases.items()
        if is_keyed(registry.lanes.get(case.lane), case) and not (case.timed and needs_times)
    }
    if not keys:
        return {}
    known = queries.judged(opened.ledger, keys.values(), machine=machine(), engine=opened.run.versions)
    seeds = {
        row["run_id"]: int(row["secret_seed"]) for row in opened.ledger.rows("SELECT run_id, secret_seed FROM runs")
    }
    found: dict[str, Reused] = {}
    for nodeid, key in keys.items():
        if key not in known:
            continue
        run_id, before = known[key]
        case = opened.cases[nodeid]
        # The tier is that of boxes: a lane without them states its own, which no probe proves.
        tier = opened.tier if registry.lanes[case.lane].boxed else before.evidence.tier
        if is_reusable(before.evidence, tier, expect=case.policy.expect):
            judged_in = before.evidence.reused or run_id
            found[nodeid] = Reused(before.evidence.replace(reused=judged_in), seeds.get(judged_in))
    return found


def is_keyed(lane: Lane | None, case: Case) -> bool:
    """Whether the inputs of a case name everything its verdict depends on, as its lane declares (`Lane`: `keyed`)."""
    keyed: bool | Callable[[Case], bool] = getattr(lane, "keyed", False)
    return keyed(case) if callable(keyed) else keyed


def wants_samples(option: argparse.Namespace) -> bool:
    """Whether an option of pytest-benchmark needs times measured in this run."""
    names = ("only", "json", "save", "save_data", "autosave", "compare", "compare_fail", "histogram")
    return any(getattr(option, f"benchmark_{name}", None) for name in names)
