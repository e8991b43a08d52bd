"""Hand-offs: the candidates of a run whose answers are not all right are queued for repair."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from harness.core.evaluation import Evaluation
from harness.lane.registry import Registry
from harness.ledger.handoffs import Handoff, Handoffs
from harness.ledger.store import Ledger

REASON = "toolgen_incorrect"
"""The tournament's word."""


def hand_off(found: Iterable[Evaluation], *, ledger: Ledger, registry: Registry, root: Path, run_id: str) -> str:
    """Queue what can be repaired; returns a sentence for the user, empty if nothing is new.

    Args:
        ledger: Open for writing.
        registry: The lanes; one whose attribute `repairable` is true takes part.
        root: The folder that the names of suites are relative to.

    Raises:
        LedgerError: if the ledger cannot be written.
    """
    wanted = [
        _handoff(one, root, run_id)
        for one in found
        if getattr(registry.lanes.get(one.case.lane), "repairable", False) and is_repairable(one)
    ]
    queue = Handoffs(ledger)
    new = queue.add(wanted)
    if not new:
        return ""
    waiting = len(queue.waiting())
    one = "1 candidate waits" if waiting == 1 else f"{waiting} candidates wait"
    known = f", {new} of them from this run" if new < waiting else ""
    return f"{one} for repair{known}: `crucible repair --once` (`handoffs = false` in [tool.crucible] turns this off)"


def is_repairable(evaluation: Evaluation) -> bool:
    """Whether a candidate is at fault and has wrong answers; a control is left out."""
    if evaluation.case.policy.expect is not None or not evaluation.status.blames_subject:
        return False
    correctness = _component(evaluation, "correctness")
    return correctness is not None and correctness < 1.0


def _handoff(evaluation: Evaluation, root: Path, run_id: str) -> Handoff:
    case = evaluation.case
    path = Path(case.subject.path)
    payload: dict[str, Any] = {
        "ts": time.time(),
        "source": case.lane,
        "spec_path": str(case.inputs.get("tool", "")),
        "bundle_dir": str(path.parent),
        "epoch": case.policy.epoch,
        "impl_style": case.subject.style,
        "reason": REASON,
        "metrics": {
            "correctness": _component(evaluation, "correctness"),
            "fitness": evaluation.score.total,
        },
        "candidate": str(path),
        "suite": str(root / case.suite),
        "status": evaluation.status.value,
    }
    return Handoff(
        lane=case.lane,
        tool=str(case.inputs.get("tool_id", "")),
        tool_digest=str(case.inputs.get("tool_digest", "")),
        digest=case.subject.digest,
        reason=REASON,
        payload=payload,
        run_id=run_id,
        nodeid=case.nodeid,
    )


def _component(evaluation: Evaluation, name: str) -> float | None:
    return next((part.value for part in evaluation.score.components if part.name == name), None)
