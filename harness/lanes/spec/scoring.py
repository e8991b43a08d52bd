"""Scoring: what a policy makes of the facts of a patch. Pure: facts in, score out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from harness.core.evidence import Evidence
from harness.core.gate import Gate, GateResult
from harness.core.policy import Policy
from harness.core.score import Component, Score, judge

WEIGHTS = {"validity": 0.3, "coverage": 0.2, "typed": 0.3, "gain": 0.2}
"""Opaque bytes count for coverage only, so one blob over the whole file earns half a score at the very most."""


def gain(typed: float, before: float) -> float:
    """The share of what was still unexplained that the patch explains; 0 when it explains no more than before."""
    return 0.0 if typed <= before else (typed - before) / (1 - before)


def score(evidence: Evidence, policy: Policy) -> Score:
    """Judge a patch's evidence."""
    facts = evidence.facts
    return judge(
        evidence,
        policy,
        _components(facts),
        gates=_gates(evidence, policy),
        factor=evidence.stability,
        explanation=_explain(facts),
    )


def _components(facts: dict[str, Any]) -> Iterator[Component]:
    after, before = facts.get("after"), facts.get("before")
    if after is None or before is None:
        # No grammar came of the patch, so nothing was explained: that is a zero, not an unknown.
        for name, weight in WEIGHTS.items():
            yield Component(name=name, value=0.0, weight=weight, why="there is no patched grammar")
        return
    sets = [after, *([facts["holdout"]] if facts.get("holdout") else [])]
    for name in ("validity", "coverage", "typed"):
        worst = min(part[name] for part in sets)
        yield Component(name=name, value=worst, weight=WEIGHTS[name], why=_WHY[name])
    yield Component(
        name="gain",
        value=gain(after["typed"], before["typed"]),
        weight=WEIGHTS["gain"],
        why=f"typed bytes {before['typed']:.1%} before, {after['typed']:.1%} after",
    )


_WHY = {
    "validity": "share of files read without an error, the worse of samples and holdout",
    "coverage": "share of bytes in any field, the worse of samples and holdout",
    "typed": "share of bytes in numbers, texts and constants of records the file confirms",
}


def _gates(evidence: Evidence, policy: Policy) -> Iterator[GateResult]:
    budget = policy.budget
    if evidence.median_ms is not None:
        yield Gate(name="time_ms", threshold=budget.time_ms, at_most=True).hold(evidence.median_ms)
    if evidence.peak_mb is not None:
        yield Gate(name="memory_mb", threshold=budget.memory_mb, at_most=True).hold(evidence.peak_mb)


def _explain(facts: dict[str, Any]) -> str:
    after, before = facts.get("after"), facts.get("before")
    if after is None or before is None:
        return ""
    return (
        f"{after['typed']:.1%} of {after['bytes']} bytes typed ({before['typed']:.1%} before), "
        f"{after['coverage']:.1%} covered, {after['errors']} errors"
    )
