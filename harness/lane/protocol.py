"""Lane: the protocol that each kind of machine-made artefact implements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from pathlib import Path

    from harness.core.case import Case
    from harness.core.evidence import Evidence
    from harness.core.policy import Policy
    from harness.core.score import Score
    from harness.core.tier import Tier
    from harness.lane.context import Context
    from harness.suites.suite import Suite, SuiteOptions


@runtime_checkable
class Lane(Protocol):
    """One kind of machine-made artefact: how it is found, evaluated and scored.

    Optional, and read by `getattr`: `components` (the names that a suite's `gates` may use), `weights` (the weights
    that a suite's `weights` may replace), `keyed` (True, or a method that
    is true for a case, if a verdict may be reused, docs/reuse.md),
    `repairable = True` (failures are queued for repair, docs/repair.md), `engine()` (versions of libraries that
    judge) and `share(cases, folder)` (starts what the workers of a run share for these cases, in the folder that is
    `Context.shared` there, and returns what is closed at the end of the run, or None). What a lane may offer to
    `crucible evolve` is in `harness.lane.breed` and `harness.lane.climb`. The field `notices` of its evidence is shown
    once at the end of the run.
    """

    name: str
    """The value of `lane:` in suites, a pytest marker, and the ledger's `lane` column."""
    options: type[SuiteOptions]
    """The model of a suite of this lane; its extra keys become the suite's keys."""
    untrusted: tuple[str, ...]
    """Suite keys whose paths are untrusted files; pytest never imports or collects files in their folders."""
    boxed: bool
    """Whether evaluating uses a box; if so, the tier is probed and `--min-tier` applies."""
    min_tier: Tier | None
    """A weaker default than the session's `--min-tier`, or None; shown when it applies."""

    def collect(self, suite: Suite) -> Sequence[Case]:
        """Turn a suite into cases, reading files only: nothing is imported, run or probed.

        The same files must give the same cases in the same order on every process. A subject that cannot be judged at
        all (unreadable, too large) still becomes a case: its evidence has the reason.

        Raises:
            SuiteError: if the suite, or a trusted file that it names, is wrong.
        """

    def evaluate(self, case: Case, context: Context) -> Evidence:
        """Observe one case. A fault of the subject is data; an exception means that the lane failed (`infra`)."""

    def score(self, evidence: Evidence, policy: Policy) -> Score:
        """Score evidence under a policy. A pure function: `crucible rescore` runs no subjects."""


@runtime_checkable
class ObservingLane(Lane, Protocol):
    """A lane whose cases wait most of the time: a judge process observes many of them at once.

    Optional, and read by `getattr`: `counted(case)`, the same case asked to the end, for partial credit;
    `compared(case, source, step)`, the same case timed next to another source until the number of steps between both is
    certain (fact `against`); `controls(suite)`, the candidates by which a judge is checked (`harness.lane.controls`).
    """

    async def observe(self, case: Case, context: Context) -> Evidence:
        """`evaluate` as a coroutine that awaits nothing but what `harness.sandbox.loop` offers."""

    def case_of(self, suite: Suite, path: Path) -> Case:
        """The case of one more subject, in addition to those that the suite names.

        Raises:
            SuiteError: as `collect`.
        """

    def screened(self, case: Case, *, allow_slow: bool = True) -> Case:
        """The same case for a cheap verdict, which may miss faults but finds none where there is none."""
