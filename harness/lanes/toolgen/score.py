"""Score of a toolgen candidate: a pure function of evidence and policy; docs/scoring-toolgen.md has the formulas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.core.evidence import Evidence
from harness.core.gate import Gate, GateResult
from harness.core.policy import Policy, Timing
from harness.core.score import Component, Score, judge
from harness.core.stats import geometric_mean
from harness.core.status import Status

WEIGHTS = {"correctness": 0.40, "safety": 0.25, "performance": 0.15, "robustness": 0.10, "documentation": 0.10}
MAX_DIVERSITY = 0.02  # maximum bonus for a style other than the baseline
MIN_DIVERSE_CORRECTNESS = 0.9  # minimum correctness for a diversity bonus
EXAMPLES_ONLY_CAP = 0.9  # maximum score where only examples define the right answers
GRACE_US = 250.0  # microseconds added to the limit of an ordinary question, for the overhead of a call and a cold cache
QUARTERS = ("module", "function", "signature", "example")


def latency(median_ms: float, budget_ms: float) -> float:
    """min(1, budget / median); the tournament's formula also has a floor of 1 ms, which is left out here."""
    return 1.0 if median_ms <= budget_ms else budget_ms / median_ms


def scaling(rows: Sequence[Mapping[str, Any]], cpu_factor: float, *, candidate: str = "candidate_s") -> float | None:
    """Geometric mean over the workload sizes of min(1, factor x reference / candidate); None without sizes."""
    times = [(row["reference_s"], row.get(candidate, row["candidate_s"])) for row in rows]
    return geometric_mean([min(1.0, cpu_factor * reference / seconds) for reference, seconds in times])


def steadiness(costs: Mapping[str, Any], cpu_factor: float) -> float | None:
    """Geometric mean over the ordinary questions of min(1, (factor x reference + `GRACE_US`) / candidate)."""
    pairs = zip(costs["candidate_us"], costs["reference_us"], strict=True)
    # No limit is below the grace, the least that counts for a candidate, so a ratio above 1 needs no division.
    limits = [(candidate, cpu_factor * reference + GRACE_US) for candidate, reference in pairs]
    return geometric_mean([1.0 if candidate <= limit else limit / candidate for candidate, limit in limits])


def score_toolgen(evidence: Evidence, policy: Policy) -> Score:
    """Compute components, gates and total of one candidate."""
    facts = evidence.facts
    parts = [
        _correctness(facts),
        _safety(facts),
        _performance(evidence, policy),
        _robustness(evidence),
        _documentation(facts),
    ]
    # A component that no candidate of this tool can have gets weight 0, and the others are scaled up.
    # A component with a noisy measurement keeps its weight: its value may be anything from 0 to 1.
    observed = {part.name for part in parts if part.value is not None}
    if _noise(evidence, policy):
        observed.add("performance")
    weights = policy.weights or WEIGHTS
    # In the order of the parts: that of a set differs between processes, and with it the last digit of the sum.
    whole = sum(weights.get(part.name, 0.0) for part in parts if part.name in observed)
    if not whole:  # every component that counts is unknown, and so is the total
        observed, whole = set(weights), 1.0
    components = [
        Component(**vars(part) | {"weight": weights.get(part.name, 0.0) / whole if part.name in observed else 0.0})
        for part in parts
    ]
    components.append(_diversity(facts, components[0].value or 0.0, policy))
    return judge(
        evidence,
        policy,
        components,
        gates=_gates(evidence, policy, components),
        factor=evidence.stability,
        cap=EXAMPLES_ONLY_CAP if facts.get("examples_only") else 1.0,
        explanation=_explanation(evidence, components),
    )


def _correctness(facts: Mapping[str, Any]) -> Component:
    right, total = facts["questions"]["right"], facts["questions"]["total"]
    if not total:
        return Component(name="correctness", value=0.0, weight=0.0, why="no question was asked")
    return Component(name="correctness", value=right / total, weight=0.0, why=f"{right} of {total} answers are right")


def _safety(facts: Mapping[str, Any]) -> Component:
    found = facts["violations"]
    if not facts.get("parsed", True):
        return Component(name="safety", value=0.0, weight=0.0, why="the source was not parsed, so it cannot be checked")
    why = f"{len(found)} uses of forbidden APIs, first {found[0]['api']} at line {found[0]['line']}" if found else ""
    return Component(name="safety", value=0.0 if found else 1.0, weight=0.0, why=why or "no forbidden API is used")


def _performance(evidence: Evidence, policy: Policy) -> Component:
    if policy.timing is Timing.NONE:
        return Component(name="performance", value=None, weight=0.0, why="timing is off: left out of the total")
    noise = _noise(evidence, policy)
    if noise:
        return Component(name="performance", value=None, weight=0.0, why=f"too noisy to tell: {noise}")
    if evidence.status not in (Status.OK, Status.FLAKY, Status.NOISY) or evidence.median_ms is None:
        return Component(name="performance", value=0.0, weight=0.0, why=f"not earned: the verdict is {evidence.status}")
    budget_ms = time_limit(evidence.facts, policy)
    quick = latency(evidence.median_ms, budget_ms)
    first = f"median {evidence.median_ms:.3g} ms of {budget_ms:g} ms"
    if evidence.status is Status.FLAKY:
        return Component(
            name="performance", value=quick / 2, weight=0.0, why=f"{first}; growth is not timed when flaky"
        )
    factor = policy.budget.cpu_factor
    rows = evidence.facts["profile"]["rows"]
    least, most = evidence.median_interval_ms or (evidence.median_ms, evidence.median_ms)
    low, high = latency(max(most, evidence.median_ms), budget_ms), latency(min(least, evidence.median_ms), budget_ms)
    growth = scaling(rows, factor)
    costs = evidence.facts.get("ordinary")
    steady = steadiness(costs, factor) if costs else None
    against = f"against {factor:.3g} x reference"
    why = first
    if growth is not None:
        why += f": {quick:.3f}; CPU {against} at n..8n: {growth:.3f}{_exponent(evidence)}"
    else:
        why += "; the tool has no workload"
    # Ordinary questions count too: a candidate can recognise workloads by their size.
    if steady is not None and (steady < 1 or growth is None):
        why += f"; ordinary questions {against} + {GRACE_US:g} us: {steady:.3f}"
        why += f", with a wait of {costs['waits_us'] / 1e3:.3g} ms a call" if costs and "waits_us" in costs else ""
    if growth is None and steady is None:
        return Component(name="performance", value=quick, weight=0.0, why=why, low=low, high=high)
    most = 1.0 if steady is None else steady
    slow, fast = (scaling(rows, factor, candidate=f"candidate_{end}_s") or 0.0 for end in ("high", "low"))
    pace, slow, fast = (1.0, 1.0, 1.0) if growth is None else (growth, min(slow, growth), max(fast, growth))
    return Component(
        name="performance",
        value=(quick + min(pace, most)) / 2,
        weight=0.0,
        why=why,
        low=(low + min(slow, most)) / 2,
        high=(high + min(fast, most)) / 2,
    )


def _exponent(evidence: Evidence) -> str:
    profile = evidence.facts["profile"]
    if profile.get("growth_low") is None:
        return ""
    return f"; grows as n^{profile['growth']:.2f} ({profile['growth_low']:.2f} to {profile['growth_high']:.2f})"


def _noise(evidence: Evidence, policy: Policy) -> str:
    """Why the time of a candidate with status `ok` is unknown; empty if it is known."""
    if policy.timing is Timing.NONE or evidence.status is not Status.OK:
        return ""
    return evidence.quality.why if evidence.quality is not None else ""


def _robustness(evidence: Evidence) -> Component:
    edges = evidence.facts["edges"]
    if not edges["total"]:
        if evidence.status is Status.OK:
            return Component(name="robustness", value=None, weight=0.0, why="the tool has no edge inputs: left out")
        return Component(name="robustness", value=0.0, weight=0.0, why=f"not asked: the verdict is {evidence.status}")
    why = f"{edges['handled']} of {edges['total']} edge inputs are handled as the reference does ({edges['source']})"
    why += f", e.g. {edges['faults'][0]}" if edges.get("faults") else ""
    return Component(name="robustness", value=edges["handled"] / edges["total"], weight=0.0, why=why)


def _documentation(facts: Mapping[str, Any]) -> Component:
    held = [name for name in QUARTERS if facts["documentation"][name]]
    missing = [name for name in QUARTERS if name not in held]
    why = f"missing or wrong: {', '.join(missing)}" if missing else "docstrings, signature and a running example"
    return Component(name="documentation", value=len(held) / len(QUARTERS), weight=0.0, why=why)


def _diversity(facts: Mapping[str, Any], correctness: float, policy: Policy) -> Component:
    style = facts["style"]
    detected = style["detected"]
    weight = MAX_DIVERSITY * min(1.0, policy.anneal_temp)
    if correctness < MIN_DIVERSE_CORRECTNESS:
        why = f"not earned: correctness is below {MIN_DIVERSE_CORRECTNESS:g}"
        return Component(name="diversity", value=0.0, weight=weight, why=why)
    claimed = f", declared {style['declared']}" if style["declared"] not in ("", detected) else ""
    why = f"detected {detected}{claimed}, baseline {style['baseline']}"
    low, high = style.get("distance_low"), style.get("distance_high")
    return Component(name="diversity", value=style["distance"], weight=weight, why=why, low=low, high=high)


def time_limit(facts: Mapping[str, Any], policy: Policy) -> float:
    """Limit of one call in milliseconds: the lower one of the annealed budget and the tool's own limit."""
    own = facts["limits"]["time_ms"]
    return min(policy.budget.time_ms, own) if own is not None else policy.budget.time_ms


def memory_limit(facts: Mapping[str, Any], policy: Policy) -> float:
    """Memory limit in MiB above the empty box: the lower one of the annealed budget and the tool's own limit."""
    own = facts["limits"]["memory_mb"]
    return min(policy.budget.memory_mb, own) if own is not None else policy.budget.memory_mb


def _gates(evidence: Evidence, policy: Policy, components: Sequence[Component]) -> list[GateResult]:
    facts = evidence.facts
    values = {component.name: component for component in components}
    gates = [
        Gate(name="correct", threshold=1.0).evaluate(values["correctness"].value, because=values["correctness"].why),
        Gate(name="safe", threshold=1.0).evaluate(values["safety"].value, because=values["safety"].why),
    ]
    # Rescoring compares old evidence with another epoch's budget, so the box's own limits are not enough.
    if facts["slowest_ms"] is not None:
        gate = Gate(name="time_ms", threshold=time_limit(facts, policy), at_most=True)
        gates.append(gate.evaluate(facts["slowest_ms"], because="the slowest call"))
    if evidence.peak_mb is not None:
        bound = " (a lower bound)" if evidence.peak_is_lower_bound else ""
        gate = Gate(name="memory_mb", threshold=memory_limit(facts, policy), at_most=True)
        gates.append(gate.evaluate(evidence.peak_mb, because=f"peak above the empty box{bound}"))
    return gates


def _explanation(evidence: Evidence, components: Sequence[Component]) -> str:
    lost = sorted(
        ((part.weight * (1 - part.value), part) for part in components[:-1] if part.value is not None),
        key=lambda pair: -pair[0],
    )
    notes = [f"{part.name} {part.value:.3f}: {part.why}" for cost, part in lost if cost > 0.0005]
    notes += [f"{part.name} undefined: {part.why}" for part in components if part.value is None and part.weight]
    if evidence.stability < 1:
        notes.insert(0, "attempts disagree, which halves the total")
    if evidence.facts.get("examples_only"):
        notes.insert(0, f"examples only: at most {EXAMPLES_ONLY_CAP:g}")
    return "; ".join(notes) or "no component lost points"
