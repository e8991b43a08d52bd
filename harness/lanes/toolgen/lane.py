"""Toolgen: the lane of machine-written Python tools."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.core.case import Case
from harness.core.evidence import Evidence
from harness.core.policy import Policy
from harness.core.score import Score
from harness.core.tier import Tier
from harness.hooks import hookimpl
from harness.lane.context import Context
from harness.lanes.toolgen.collect import collect_cases
from harness.lanes.toolgen.options import ToolgenSuite
from harness.lanes.toolgen.score import WEIGHTS, score_toolgen
from harness.suites.suite import Suite


class Toolgen:
    """Judges candidates, each a single `.py` file, against a trusted tool specification."""

    name = "toolgen"
    options = ToolgenSuite
    untrusted: tuple[str, ...] = ("candidates",)
    boxed = True
    keyed = True
    min_tier: Tier | None = None
    components = (*WEIGHTS, "diversity")
    """The names that a suite's `gates` may use in addition to `score`."""

    def collect(self, suite: Suite) -> Sequence[Case]:
        """Make one case per candidate; see `collect_cases` for errors."""
        return collect_cases(suite)

    def evaluate(self, case: Case, context: Context) -> Evidence:
        """Ask the candidate in boxes and return the observations.

        Raises:
            SpecError: if the oracle fails.
            InfraError: if a file changed since it was collected, or no box can be opened.
        """
        from harness.lanes.toolgen.evaluate import Evaluator  # a run whose cases are all known does not need it

        return Evaluator(case, context).run()

    def score(self, evidence: Evidence, policy: Policy) -> Score:
        """Score the evidence; see docs/scoring-toolgen.md for the formulas."""
        return score_toolgen(evidence, policy)


@hookimpl
def crucible_lanes() -> list[Any]:
    """Return the lane for the plugin manager."""
    return [Toolgen()]
