"""The spec lane: does a patched grammar explain real files better than the grammar it patches?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from harness.core.case import Case
from harness.core.evidence import Evidence
from harness.core.policy import Policy
from harness.core.score import Score
from harness.core.tier import Tier
from harness.hooks import Lane, hookimpl
from harness.lanes.spec.collect import collect_cases
from harness.lanes.spec.options import SpecOptions
from harness.lanes.spec.score import CLASSIC, WEIGHTS, score_patch

if TYPE_CHECKING:
    from harness.core.frozen import Frozen
    from harness.lane.climb import Climb, ClimbRequest
    from harness.lane.context import Context
    from harness.suites.suite import Suite, SuiteOptions


class SpecLane:
    """Patches of a YAML grammar; a grammar is data for a total interpreter, so no box is involved."""

    name = "spec"
    options: type[SuiteOptions] = SpecOptions
    untrusted: tuple[str, ...] = ("patches",)
    boxed = False
    keyed = True
    min_tier: Tier | None = None
    components = (*WEIGHTS, *CLASSIC)
    """What a suite's `gates` may name, other than `score`."""

    @property
    def climb_options(self) -> type[Frozen]:
        """The model of `options` in an evolve file."""
        from harness.lanes.spec.climb import SpecClimbOptions

        return SpecClimbOptions

    def climb(self, request: ClimbRequest) -> Climb:
        """The improvement of a grammar; see `SpecClimb.open` for errors."""
        from harness.lanes.spec.climb import SpecClimb

        return SpecClimb.open(request, self)

    def collect(self, suite: Suite) -> Sequence[Case]:
        """Make one case of each patch file.

        Raises:
            SuiteError: if the suite names missing files, or a file is both a sample and a hold-out.
            SpecError: if the grammar is wrong or a sample is too large.
        """
        return collect_cases(suite, lane=self.name)

    def evaluate(self, case: Case, context: Context) -> Evidence:
        """Apply the patch to a copy of the grammar and read every file with the result, several times.

        Raises:
            InfraError: if a file changed since it was collected.
        """
        del context  # nothing is sampled and nothing leaves this process
        from harness.lanes.spec.evaluate import evaluate_patch  # a run whose cases are all known does not need it

        return evaluate_patch(case)

    def score(self, evidence: Evidence, policy: Policy) -> Score:
        """Weigh the explained share, the gain over the grammar before the patch, and how many files are valid."""
        return score_patch(evidence, policy)


@hookimpl
def crucible_lanes() -> list[Lane]:
    """Return the built-in lane of spec patches."""
    return [SpecLane()]
