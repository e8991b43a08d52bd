"""The dsl lane: whether a program does what it states, and does the same every time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from harness.core.case import Case
from harness.core.evidence import Evidence
from harness.core.policy import Policy
from harness.core.score import Score
from harness.core.tier import Tier
from harness.hooks import Lane, hookimpl
from harness.lane.context import Context
from harness.lanes.dsl.collect import LANE, collect_cases
from harness.lanes.dsl.options import DslOptions
from harness.lanes.dsl.programs import Programs
from harness.lanes.dsl.score import WEIGHTS, score_part
from harness.suites.suite import Suite, SuiteOptions

if TYPE_CHECKING:
    from harness.core.frozen import Frozen
    from harness.lane.climb import Climb, ClimbRequest


class DslLane:
    """Programs; each step, check, expectation, success condition and invariant is a case."""

    name = LANE
    options: type[SuiteOptions] = DslOptions
    untrusted: tuple[str, ...] = ("program",)
    boxed = True
    min_tier: Tier | None = None
    components = tuple(WEIGHTS)
    """What a suite's `gates` may name, other than `score`."""

    def __init__(self) -> None:
        self._programs = Programs()

    @property
    def climb_options(self) -> type[Frozen]:
        """The model of `options` in an evolve file."""
        from harness.lanes.dsl.climb import DslClimbOptions

        return DslClimbOptions

    def climb(self, request: ClimbRequest) -> Climb:
        """The improvement of a program; see `DslClimb.open` for errors."""
        from harness.lanes.dsl.climb import DslClimb

        return DslClimb.open(request, self)

    def keyed(self, case: Case) -> bool:
        """Whether a verdict may be reused: not that of a program whose effects reach out of its box (docs/reuse.md)."""
        given = case.inputs
        return bool(given["repeatable"]) and not given.get("plugin_tools") and not (given["live"] and given["grants"])

    def collect(self, suite: Suite) -> Sequence[Case]:
        """Turn a suite into the cases of its program, with `collect_cases`."""
        return collect_cases(suite, self._programs)

    def evaluate(self, case: Case, context: Context) -> Evidence:
        """Run or reuse the program and observe one case, with `evaluate_part`."""
        from harness.lanes.dsl.evaluate import evaluate_part  # a run whose cases are all known does not need it

        return evaluate_part(case, context, self._programs)

    def score(self, evidence: Evidence, policy: Policy) -> Score:
        """Score one case, with `score_part`."""
        return score_part(evidence, policy)


@hookimpl
def crucible_lanes() -> list[Lane]:
    """The built-in lane of programs."""
    return [DslLane()]
