"""Score: gates, weighted components and a total, a pure function of evidence and policy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated

from pydantic import Field

from harness.core.evidence import Evidence
from harness.core.frozen import Frozen
from harness.core.gate import Gate, GateResult
from harness.core.policy import Policy
from harness.core.status import Status

Unit = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Component(Frozen):
    """One weighted part of a score."""

    name: str
    value: Unit | None
    """Between 0 and 1; None when undefined, which is not the same as 0."""
    weight: Unit
    why: str = ""
    low: Unit | None = None
    high: Unit | None = None
    """95 % interval of a value that was measured; None where the value is exact."""


class Score(Frozen):
    """The result of scoring evidence under a policy."""

    total: Unit | None
    """None for an unscored case, which is not the same as 0."""
    low: Unit | None = None
    """The total if every undefined component were 0."""
    high: Unit | None = None
    """The total if every undefined component were 1."""
    spread: tuple[Unit, Unit] | None = None
    """The total with every measured component at the ends of its 95 % interval; None where nothing is uncertain."""
    components: tuple[Component, ...] = ()
    gates: tuple[GateResult, ...] = ()
    explanation: str = ""

    @property
    def interval(self) -> tuple[float | None, float | None]:
        """Lower and upper bound of the total, including noise; both are the total where nothing is uncertain."""
        if self.total is None:
            return self.low, self.high
        return self.spread or (self.total, self.total)

    @property
    def gates_pass(self) -> bool:
        """Whether every gate passes; true without gates."""
        return not self.gates or all(gate.passed for gate in self.gates)

    @property
    def undecided(self) -> bool:
        """Whether every failed gate fails only because of undefined components.

        An undefined component with weight may have any value from 0 to 1. The score is undecided if for every failed
        gate one of these values would make it pass.
        """
        failed = self.failed
        return bool(failed) and all(self._may_pass(gate) for gate in failed)

    def _may_pass(self, gate: GateResult) -> bool:
        if gate.observed is not None:
            return False
        if gate.name == "score":
            return self.high is not None and self.high >= gate.threshold
        return gate.threshold <= 1 and any(
            part.name == gate.name and part.value is None and part.weight > 0 for part in self.components
        )

    @property
    def failed(self) -> tuple[GateResult, ...]:
        """The gates that do not pass, in order."""
        return tuple(gate for gate in self.gates if not gate.passed)


def weigh(
    components: Sequence[Component], *, factor: float = 1.0, cap: float = 1.0
) -> tuple[float | None, float, float]:
    """`min(cap, factor x sum of weight x value)` with its bounds.

    Returns:
        The total (None if any component with weight is undefined), the total with undefined components at 0, and with
        them at 1.
    """
    return _weigh([(c.weight, c.value) for c in components], factor, cap)


def _weigh(parts: Sequence[tuple[float, float | None]], factor: float, cap: float) -> tuple[float | None, float, float]:
    known = sum(weight * value for weight, value in parts if value is not None)
    unknown = sum(weight for weight, value in parts if value is None)
    low, high = min(cap, factor * known), min(cap, factor * (known + unknown))
    return (low if unknown == 0 else None), low, high


def _spread(components: Sequence[Component], *, factor: float, cap: float) -> tuple[float, float] | None:
    if all(c.low is None and c.high is None for c in components):
        return None
    lower = [(c.weight, c.value if c.low is None else c.low) for c in components]
    upper = [(c.weight, c.value if c.high is None else c.high) for c in components]
    return _weigh(lower, factor, cap)[1], _weigh(upper, factor, cap)[2]


UNJUDGED = frozenset({Status.INFRA, Status.SKIPPED})


def judge(
    evidence: Evidence,
    policy: Policy,
    components: Iterable[Component],
    *,
    gates: Iterable[GateResult] = (),
    factor: float = 1.0,
    cap: float = 1.0,
    explanation: str = "",
) -> Score:
    """Weigh components to a score, and evaluate the gates of the suite on them.

    Args:
        evidence: The observations; with status `infra` or `skipped` the case stays unscored.
        policy: Its `gates` name components or `score`.
        gates: The results of the lane's own gates (budget, safety ...).
        factor: Multiplies the weighted sum (stability).
        cap: Upper end of the total.
    """
    parts = tuple(components)
    if evidence.status in UNJUDGED:
        return Score(total=None, components=parts, explanation=explanation or evidence.why)
    total, low, high = weigh(parts, factor=factor, cap=cap)
    observed = {component.name: component for component in parts}
    results = list(gates)
    for name, threshold in policy.gates.items():
        gate = Gate(name=name, threshold=threshold)
        if name == "score":
            results.append(_evaluate_interval(gate, total, low, high))
        elif name in observed:
            results.append(gate.evaluate(observed[name].value, because=observed[name].why))
        elif not any(result.name == name for result in results):
            why = f"no component of that name; there are {', '.join(sorted(observed))}"
            results.append(gate.evaluate(None, because=why))
    return Score(
        total=total,
        low=low,
        high=high,
        spread=_spread(parts, factor=factor, cap=cap),
        components=parts,
        gates=tuple(results),
        explanation=explanation,
    )


def _evaluate_interval(gate: Gate, total: float | None, low: float, high: float) -> GateResult:
    # An undefined total still decides a gate when both ends of its interval agree.
    if total is not None or low >= gate.threshold:
        return gate.evaluate(low if total is None else total)
    if high < gate.threshold:
        return gate.evaluate(high)
    return gate.evaluate(None, because=f"the total lies between {low:.3f} and {high:.3f}")
