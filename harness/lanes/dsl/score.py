"""Scoring: evidence and policy to a score; pure, so stored evidence can be scored again."""

from __future__ import annotations

from typing import Any

from harness.core.evidence import Evidence
from harness.core.policy import Policy
from harness.core.score import Component, Score, judge
from harness.core.status import Status

WEIGHTS = {"success": 0.5, "determinism": 0.3, "invariants": 0.1, "budget": 0.1, "objective": 0.5}
"""`objective` is that of a revision of a program, whose runs are not replayed (`harness.lanes.dsl.climb`)."""


def _gain(measured: dict[str, Any]) -> float:
    """How far the worst run of a revision is from the best run of the start: above 0.5 if it is better, 0 to 1."""
    sign, worst, best = (1.0, min, max) if measured["maximize"] else (-1.0, max, min)
    if not measured["values"] or not measured["start"]:
        return 1.0 if measured["values"] else 0.0
    mine, start = worst(measured["values"]), best(measured["start"])
    size = abs(mine) + abs(start)
    return 0.5 + 0.5 * sign * (mine - start) / size if size else 0.5


def score_part(evidence: Evidence, policy: Policy) -> Score:
    """Score one part of a program: its success, whether its runs agree, invariants and budget.

    The invariants and the budget of a program that has none are absent: the other weights grow in proportion. The
    success of a part that was not reached is undefined, and so is the total.
    """
    facts = evidence.facts
    reached = evidence.status not in (Status.REVIEW, Status.SKIPPED)
    agreement = None
    if evidence.attempts:
        agreement = float(not facts["diverged"] and not facts["differ"] and evidence.stable)
    invariants = [state for state in facts.get("invariants", {}).values() if state in ("held", "broken")]
    used = facts.get("budget")
    values = {
        "success": float(evidence.status in (Status.OK, Status.FLAKY)) if reached else None,
        "determinism": agreement if evidence.attempts else 0.0,
        "invariants": invariants.count("held") / len(invariants) if invariants else None,
        "budget": None if used is None else min(1.0, 2.0 * (1.0 - used)),
    }
    measured = facts.get("objective")
    if facts.get("knowledge") or measured:
        del values["determinism"]  # there is no run, or none that was replayed
    if measured:
        values["objective"] = _gain(measured)
    always = ("success", "determinism")
    present = {n: w for n, w in WEIGHTS.items() if n in values and (values[n] is not None or n in always)}
    total = sum(present.values())
    why = {
        "success": evidence.why,
        "determinism": facts.get("diverged") or facts.get("differ") or ("" if evidence.attempts else evidence.why),
        "invariants": ", ".join(name for name, state in facts.get("invariants", {}).items() if state == "broken"),
        "budget": "" if used is None else f"{used:.0%} of the tightest budget used ({facts['tightest']})",
        "objective": f"its runs: {measured['values']}, those of the start: {measured['start']}" if measured else "",
    }
    runs = "1 run" if len(evidence.attempts) == 1 else f"{len(evidence.attempts)} equal runs"
    return judge(
        evidence,
        policy,
        [Component(name=n, value=values[n], weight=w / total, why=why[n]) for n, w in present.items()],
        explanation=evidence.why or why["objective"] or f"{facts.get('events', 0)} events, {runs}, replayed",
    )
