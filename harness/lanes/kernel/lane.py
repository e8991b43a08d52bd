"""The kernel lane: is a GPU kernel right, what does the compiler make of it, and how fast is it on a device?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from harness.core.case import Case
from harness.core.evidence import Evidence
from harness.core.policy import Policy
from harness.core.score import Score
from harness.core.tier import Tier
from harness.hooks import Lane, hookimpl
from harness.lane.context import Closable, Context
from harness.lanes.kernel.collect import NAME, collect_cases
from harness.lanes.kernel.options import KernelSuite
from harness.lanes.kernel.score import MEASURED, OWN_GATES, score_kernel
from harness.suites.suite import Suite, SuiteOptions

if TYPE_CHECKING:
    from pathlib import Path

    from harness.core.frozen import Frozen
    from harness.lane.climb import Climb, ClimbRequest


class KernelLane:
    """Kernels, each run in processes of its own; they need PyTorch, so they are confined but not boxed: tier D."""

    name = NAME
    options: type[SuiteOptions] = KernelSuite
    untrusted: tuple[str, ...] = ("kernels",)
    boxed = False
    min_tier: Tier | None = None
    components = (*sorted(frozenset().union(*MEASURED.values())), *OWN_GATES)
    """What a suite's `gates` may name in addition to `score`."""

    @property
    def climb_options(self) -> type[Frozen]:
        """The model of `options` in an evolve file."""
        from harness.lanes.kernel.climb import KernelClimbOptions

        return KernelClimbOptions

    def climb(self, request: ClimbRequest) -> Climb:
        """The tuning of a kernel; see `TunedKernel.open` for errors."""
        from harness.lanes.kernel.climb import TunedKernel

        return TunedKernel.open(request, self)

    def engine(self) -> dict[str, str]:
        """What the verdicts depend on, other than this package: libraries, tools, environment and confinement."""
        from harness.lanes.kernel.installation import describe_installation

        return describe_installation()

    def keyed(self, case: Case) -> bool:
        """Whether a verdict may be reused: one measured on a device only if the driver says which it is."""
        return case.inputs["stage"] != "gpu" or bool(case.inputs["devices"])

    def collect(self, suite: Suite) -> Sequence[Case]:
        """One case for each kernel, stage and architecture; see `collect_cases`."""
        options = suite.options
        if not isinstance(options, KernelSuite):
            raise TypeError(type(options).__name__)
        return collect_cases(suite, options)

    def evaluate(self, case: Case, context: Context) -> Evidence:
        """Run the case's stage; see `evaluate_case`."""
        from harness.lanes.kernel.evaluate import evaluate_case  # a run whose cases are all known does not need it

        return evaluate_case(case, context)

    def share(self, cases: Iterable[Case], folder: Path) -> Closable | None:
        """Start the process from which those of all workers are forked; see `share_root`."""
        from harness.lanes.kernel.warm_processes import share_root

        return share_root(cases, folder)

    def score(self, evidence: Evidence, policy: Policy) -> Score:
        """Weigh what the stage measured; see `score_kernel`."""
        return score_kernel(evidence, policy)


@hookimpl
def crucible_lanes() -> list[Lane]:
    """The built-in lane of kernels."""
    return [KernelLane()]
