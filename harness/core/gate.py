"""Gate: a hard condition. Its result has the observed value, the threshold and the reason."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from harness.core.clip import readable
from harness.core.frozen import Frozen

Finite = Annotated[float, Field(allow_inf_nan=False)]


class GateResult(Frozen):
    """The result of evaluating a gate."""

    name: str
    observed: Finite | None
    """None when the quantity is undefined; such a gate does not pass."""
    threshold: Finite
    passed: bool
    why: str
    nodeid: str = ""
    """For a gate on a whole run the first case that it fails for."""


class Gate(Frozen):
    """A bound on one named quantity."""

    name: str
    threshold: Finite
    at_most: bool = False
    """False: the observed value must reach the threshold. True: it must not exceed it."""

    def evaluate(self, observed: float | None, *, because: str = "") -> GateResult:
        """Compare one observed value with the threshold; an undefined value fails.

        Args:
            observed: The quantity, or None if it is undefined.
            because: The reason for the value, shown when the gate fails.
        """
        relation = "<=" if self.at_most else ">="
        if observed is None:
            passed, why = False, f"{self.name} is undefined, needed {relation} {self.threshold:g}"
        else:
            passed = observed <= self.threshold if self.at_most else observed >= self.threshold
            verb = "passes" if passed else "fails"
            why = f"{self.name} {readable(observed, threshold=self.threshold)} {verb} {relation} {self.threshold:g}"
        return GateResult(
            name=self.name,
            observed=observed,
            threshold=self.threshold,
            passed=passed,
            why=f"{why}: {because}" if because and not passed else why,
        )
