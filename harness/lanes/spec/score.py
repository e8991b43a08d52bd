"""Scoring: the facts of a patch and a policy become a score; pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from harness.core.evidence import Evidence
from harness.core.gate import Gate, GateResult
from harness.core.policy import Policy
from harness.core.score import Component, Score, judge

WEIGHTS = {"explained": 0.6, "validity": 0.1, "gain": 0.3, "coverage": 0.0, "economy": 0.0}
"""Coverage and economy are counted by `explained` already; weight 0 lets gates name them."""
CLASSIC = {"classic": 1.0}
SETS = ("samples", "holdout")


def gain(after: float, before: float) -> float:
    """The share of the unexplained bytes that is explained now; 0 if the explained share did not grow."""
    return 0.0 if after <= before or before >= 1 else (after - before) / (1 - before)


def score_patch(evidence: Evidence, policy: Policy) -> Score:
    """Score a patch; each component is the worse of samples and hold-out."""
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
    weights = CLASSIC if facts.get("policy") == "classic" else WEIGHTS
    sets = [(name, facts[name]) for name in SETS if facts.get(name)]
    if not sets:
        # The patch was rejected, so nothing was explained: the value is zero, not unknown.
        for name, weight in weights.items():
            yield Component(name=name, value=0.0, weight=weight, why="no patched grammar")
        return
    if weights is CLASSIC:
        values = {name: both["classic"] / 100 for name, both in sets}
        yield _worst("classic", 1.0, values, "coverage less penalties, as the original guide counts")
        return
    for name, weight in weights.items():
        if name == "gain":
            values = {where: gain(both["after"]["score"], both["before"]["score"]) for where, both in sets}
        elif name == "explained":
            values = {where: both["after"]["score"] for where, both in sets}
        else:
            values = {where: both["after"][name] for where, both in sets}
        yield _worst(name, weight, values, _WHY[name])


def _worst(name: str, weight: float, values: dict[str, float], why: str) -> Component:
    where = min(values, key=lambda key: values[key])
    return Component(name=name, value=values[where], weight=weight, why=f"{why}; decided by the {where}")


_WHY = {
    "explained": "share of bytes that the grammar explains, by what could have turned out wrong and did not",
    "validity": "share of files read without an error, a cut-off tail apart",
    "gain": "share of what is unexplained without the patch that it explains",
    "coverage": "share of bytes in any field",
    "economy": "share of the grammar's own length that the samples have a use for",
}


def _gates(evidence: Evidence, policy: Policy) -> Iterator[GateResult]:
    budget = policy.budget
    if evidence.median_ms is not None:
        yield Gate(name="time_ms", threshold=budget.time_ms, at_most=True).evaluate(evidence.median_ms)
    if evidence.peak_mb is not None:
        yield Gate(name="memory_mb", threshold=budget.memory_mb, at_most=True).evaluate(evidence.peak_mb)


def _explain(facts: dict[str, Any]) -> str:
    parts = []
    for name in SETS:
        if facts.get(name):
            before, after = facts[name]["before"], facts[name]["after"]
            parts.append(f"{name}: {before['score']:.1%} → {after['score']:.1%} explained of {after['bytes']} bytes")
    return "; ".join(parts)
