"""Scoring: components and gates of each stage, a pure function of evidence and policy."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from harness.core.evidence import Evidence
from harness.core.gate import Gate, GateResult
from harness.core.policy import Policy
from harness.core.score import UNJUDGED, Component, Score, judge
from harness.core.status import Status
from harness.lanes.kernel.architecture import ARCHITECTURES
from harness.lanes.kernel.compilation import Launch

_COMPUTED = frozenset({"correctness", "accuracy"})
NO_LAUNCH = "no kernel was launched"
MEASURED = {
    "interpreter": _COMPUTED,
    "compile": frozenset({"compiles", "resources", "claims", "tensor_cores"}),
    "gpu": _COMPUTED | {"speed", "speedup", "light"},
    "sweep": frozenset({"correctness", "speed", "speedup"}),
}
"""The components of each stage; a suite's gate applies only to the stages that measure it."""

OWN_GATES = ("stack_bytes", "shared_bytes", "block_registers", "golden_differences", "time_ms", "memory_mb")
"""Gates that are always evaluated."""


def score_kernel(evidence: Evidence, policy: Policy) -> Score:
    """Score one stage; gates on components of other stages are left out.

    Args:
        evidence: Of one stage, see `evaluate_case`.
        policy: The suite's gates and budget.
    """
    facts = evidence.facts
    stage = facts.get("stage", "interpreter")
    other = frozenset().union(*MEASURED.values()) - MEASURED[stage]
    gates_here = {name: least for name, least in policy.gates.items() if name not in other}
    if evidence.status in UNJUDGED:  # nothing was measured, and a zero would look like a measurement
        return judge(evidence, policy, ())
    if stage == "sweep":
        components, gates = [*_tuned(evidence)], []
    elif stage == "compile":
        components = [*_compiled(evidence)]
        gates = [*_resources(facts)]
        if not facts.get("launches"):  # a gate on what was not measured is undefined, not 0
            absent = [name for name in ("resources", "claims") if name in gates_here]
            gates += [
                Gate(name=name, threshold=gates_here.pop(name)).evaluate(None, because=NO_LAUNCH) for name in absent
            ]
    else:
        components = [*_computed(evidence, timed=stage == "gpu")]
        gates = []
    gates += _budget(evidence, policy)
    return judge(
        evidence,
        policy.model_copy(update={"gates": gates_here}),
        components,
        gates=gates,
        factor=evidence.stability,
        explanation=_explain(evidence),
    )


def _computed(evidence: Evidence, *, timed: bool) -> Iterator[Component]:
    shapes: list[dict[str, Any]] = evidence.facts.get("shapes", [])
    right = sum(entry["right"] for entry in shapes) / len(shapes) if shapes else 0.0
    accuracy = min((_accuracy(entry) for entry in shapes), default=0.0)
    correctness_weight, accuracy_weight = (0.4, 0.1) if timed else (0.8, 0.2)
    yield Component(name="correctness", value=right, weight=correctness_weight, why=evidence.why)
    yield Component(
        name="accuracy", value=accuracy, weight=accuracy_weight, why="PyTorch's own error over the kernel's, the worst"
    )
    if timed:
        yield from _timed(evidence.facts)


def _timed(facts: dict[str, Any]) -> Iterator[Component]:
    """Components of timed targets, each that of the worst target."""
    targets: list[dict[str, Any]] = facts.get("targets", [])

    def worst(name: str) -> float | None:
        values = [target.get(name) for target in targets]
        if not values or any(value is None for value in values):
            return None
        return float(min(value for value in values if value is not None))

    why = facts.get("unmeasured", "") or "the worst of the target shapes"
    yield Component(name="speed", value=worst("sol"), weight=0.5, why=why)
    yield Component(name="speedup", value=worst("speedup"), weight=0.0, why=why)
    yield Component(name="light", value=worst("light"), weight=0.0, why=why)


def _accuracy(entry: dict[str, Any]) -> float:
    if not entry["right"]:
        return 0.0
    floor = entry["allowed"] or 0.0
    error, usual = entry["error"], entry["baseline"]
    # Differences below the rounding error do not count.
    return 1.0 if error <= max(usual, floor / 2) else float(max(usual, floor / 2) / error)


def _tuned(evidence: Evidence) -> Iterator[Component]:
    """Components of a configuration that a sweep measured."""
    speed_up = evidence.facts.get("speed_up") or 0.0
    right = float(evidence.status is Status.OK)
    yield Component(name="correctness", value=right, weight=0.5, why=evidence.why)
    why = f"{speed_up:.3f}x of the fastest baseline; 0.5 is its speed"
    yield Component(name="speed", value=right * speed_up / (1 + speed_up), weight=0.5, why=why)
    yield Component(name="speedup", value=right * speed_up, weight=0.0, why=why)


def _launches(facts: dict[str, Any]) -> list[Launch]:
    return [Launch.from_wire(launch) for launch in facts.get("launches", [])]


def _compiled(evidence: Evidence) -> Iterator[Component]:
    facts = evidence.facts
    launches = _launches(facts)
    built = [launch for launch in launches if launch.best.code is not None]
    fits = [launch for launch in launches if launch.best.feasible]
    yield Component(
        name="compiles", value=len(built) / len(launches) if launches else 0.0, weight=0.4, why=evidence.why
    )
    share = len(fits) / len(launches) if launches else 0.0
    why = "share of its launches that fit and do not spill" if launches else f"not earned: {NO_LAUNCH}"
    yield Component(name="resources", value=share, weight=0.4, why=why)
    codes = [launch.best.code for launch in built if launch.best.code is not None]
    claims: list[str] = facts.get("claims", [])
    missing = [claim for claim in claims if not any(code.shows(claim) for code in codes)]
    proven = 1 - len(missing) / len(claims) if claims else 1.0
    about = "about its machine code"
    why = f"what the file claims {about} is there" if claims else f"the file claims nothing {about}"
    why = f"claimed, but not in the machine code: {', '.join(missing)}" if missing else why
    why = why if launches else f"not earned: {NO_LAUNCH}"
    yield Component(name="claims", value=proven if launches else 0.0, weight=0.2, why=why)
    cores = float(any(code.shows("tensor_cores") for code in codes)) if launches else None
    yield Component(name="tensor_cores", value=cores, weight=0.0, why="whether it has tensor-core instructions")


def _resources(facts: dict[str, Any]) -> Iterator[GateResult]:
    """Gates on spills and on the limits of the architecture, for the worst launch."""
    codes = [launch.best.code for launch in _launches(facts) if launch.best.code is not None]
    if not codes:
        return
    limits = ARCHITECTURES[facts["architecture"]]
    worst = {
        "stack_bytes": (max(code.stack_bytes for code in codes), 0),
        "shared_bytes": (max(code.shared_bytes for code in codes), limits.block_shared),
        "block_registers": (max(code.registers * code.threads for code in codes), limits.registers),
    }
    for name, (observed, limit) in worst.items():
        yield Gate(name=name, threshold=limit, at_most=True).evaluate(observed)
    differing = facts.get("golden", {}).get("differences")
    if differing is not None:
        gate = Gate(name="golden_differences", threshold=0, at_most=True)
        yield gate.evaluate(len(differing), because="; ".join(differing[:3]))


def _budget(evidence: Evidence, policy: Policy) -> Iterator[GateResult]:
    """Gates of the budget, only if the suite sets one: the default budget is meant for tools."""
    if not evidence.facts.get("budgeted"):
        return
    because = f"the budget at epoch {policy.epoch}"
    observed = evidence.facts.get("call_ms")
    yield Gate(name="time_ms", threshold=policy.budget.time_ms, at_most=True).evaluate(observed, because=because)
    if evidence.peak_mb is not None and math.isfinite(evidence.peak_mb):
        gate = Gate(name="memory_mb", threshold=policy.budget.memory_mb, at_most=True)
        yield gate.evaluate(evidence.peak_mb, because=because)


def _explain(evidence: Evidence) -> str:
    if evidence.status is not Status.OK:
        return evidence.why
    facts = evidence.facts
    codes = [launch.best.code for launch in _launches(facts) if launch.best.code is not None]
    if codes:
        heaviest = max(codes, key=lambda code: code.registers)
        return (
            f"{heaviest.registers} registers, {heaviest.stack_bytes} B stack, {heaviest.shared_bytes} B shared memory, "
            f"occupancy {heaviest.occupancy:.0%}"
        )
    targets = facts.get("targets", [])
    if targets and facts.get("stage") == "gpu":
        slowest = min(targets, key=lambda target: target.get("speedup") or math.inf)
        if slowest.get("speedup") is not None:
            return f"{slowest['speedup']:.2f}x of {slowest['fastest']} at {slowest['target']}"
    shapes = facts.get("shapes", [])
    return f"{len(shapes)} questions within twice PyTorch's own error of double precision" if shapes else ""
