"""Toolgen: the lane of machine-written Python tools."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.core.case import Case
from harness.core.evidence import Evidence
from harness.core.policy import Policy, Timing
from harness.core.score import Score
from harness.core.tier import Tier
from harness.hooks import hookimpl
from harness.lane.context import Context
from harness.lane.controls import Controls
from harness.lanes.toolgen.collect import case_of, collect_cases, tool_of
from harness.lanes.toolgen.controls import controls_of
from harness.lanes.toolgen.options import ToolgenSuite
from harness.lanes.toolgen.score import WEIGHTS, score_toolgen
from harness.lanes.toolgen.tool_spec import read_tool
from harness.suites.suite import Suite

if TYPE_CHECKING:
    from harness.lane.breed import Breed


class Toolgen:
    """Judges candidates, each a single `.py` file, against a trusted tool specification."""

    name = "toolgen"
    options = ToolgenSuite
    untrusted: tuple[str, ...] = ("candidates",)
    boxed = True
    keyed = True
    repairable = True
    min_tier: Tier | None = None
    components = (*WEIGHTS, "diversity")
    """The names that a suite's `gates` may use in addition to `score`."""
    weights = WEIGHTS
    """The weights that a suite's `weights` may replace."""

    def collect(self, suite: Suite) -> Sequence[Case]:
        """Make one case per candidate; see `collect_cases` for errors."""
        return collect_cases(suite)

    def case_of(self, suite: Suite, path: Path) -> Case:
        """Make the case of a candidate that the suite does not name; see `collect.case_of` for errors."""
        return case_of(suite, path)

    def screened(self, case: Case, *, allow_slow: bool = True) -> Case:
        """The case for a cheap verdict: one attempt without pauses and timing, which ends at the first wrong answer.

        Unless slow candidates are allowed, a call has four times the limit `Questions.short_limit`.
        """
        policy = case.policy.model_copy(update={"attempts": 1, "timing": Timing.NONE})
        inputs = {**case.inputs, "screen": True, "full": False, "jitter_ms": [0.0, 0.0]}
        inputs |= {} if allow_slow else {"slow": False}
        return case.model_copy(update={"policy": policy, "inputs": inputs})

    def counted(self, case: Case) -> Case:
        """The case for partial credit: questions continue after a wrong answer."""
        return case.model_copy(update={"inputs": {**case.inputs, "full": True}})

    def compared(self, case: Case, source: str, step: float) -> Case:
        """The case for a search: the candidate is timed next to another one, and in fewer processes by itself.

        Args:
            source: The source of the other candidate.
            step: As for `PairedTiming.run`.
        """
        return case.model_copy(update={"inputs": {**case.inputs, "against": {"source": source, "step": step}}})

    def controls(self, suite: Suite) -> Controls:
        """The candidates by which a judge of this suite is checked."""
        return controls_of(tool_of(suite))

    def breed(self, path: Path) -> Breed:
        """What it offers to a search among the candidates of a tool.

        Raises:
            SuiteError: if the tool is wrong.
        """
        from harness.lanes.toolgen.proposals.breed import ToolBreed  # only a search needs it

        return ToolBreed(read_tool(path))

    def evaluate(self, case: Case, context: Context) -> Evidence:
        """Ask the candidate in boxes and return the observations.

        Raises:
            SpecError: if the oracle fails.
            InfraError: if a file changed since it was collected, or no box can be opened.
        """
        from harness.sandbox.loop import drive

        return drive(self.observe(case, context))

    async def observe(self, case: Case, context: Context) -> Evidence:
        """`evaluate` as a coroutine of a `harness.sandbox.loop.Loop`, concurrent with other cases."""
        # A process whose cases are judged in another one, or are all known, does not need it.
        from harness.lanes.toolgen.evaluate import Evaluator

        return await Evaluator(case, context).run()

    def score(self, evidence: Evidence, policy: Policy) -> Score:
        """Score the evidence; see docs/scoring-toolgen.md for the formulas."""
        return score_toolgen(evidence, policy)


@hookimpl
def crucible_lanes() -> list[Any]:
    """Return the lane for the plugin manager."""
    return [Toolgen()]
