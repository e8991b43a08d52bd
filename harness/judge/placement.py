"""Placement: the judges of cases, on this machine or on a cluster."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from concurrent.futures import Future
from typing import Protocol

from harness.core.case import Case
from harness.core.tier import Tier
from harness.judge.judges import Judges
from harness.lane.context import Context
from harness.lane.protocol import Lane


class CaseJudges(Protocol):
    """What judges cases: `Judges` or `ClusterJudges`."""

    def submit(self, case: Case) -> Future[str]:
        """Give a case to a judge; the result is the JSON of its evaluation."""
        ...

    def submit_all(self, cases: Collection[Case]) -> list[Future[str]]:
        """`submit` for several cases, in order, known at once."""
        ...

    def require_open(self) -> None:
        """Check that cases can still be submitted."""
        ...

    def close(self) -> None:
        """End the judges; cases that were not judged are cancelled."""
        ...


def judges_for(
    lanes: Iterable[Lane],
    *,
    context: Context,
    count: int,
    cluster: str | None,
    insecure: bool,
    examples: Iterable[Case],
    min_tier: Tier,
) -> CaseJudges:
    """The judges of the lanes.

    Args:
        lanes: The lanes of the cases.
        context: Its values are those of the judges' own contexts.
        count: Number of processes on this machine.
        cluster: The address of a cluster that judges instead, or None.
        insecure: As for `ClusterJudges`.
        examples: A case of each suite.
        min_tier: The weakest tier of a worker that may judge.

    Raises:
        UsageError, MissingExtraError, InfraError: as for `ClusterJudges`.
    """
    if cluster is None:
        return Judges(lanes, count=count, context=context)
    from harness.judge.cluster import ClusterJudges

    return ClusterJudges(
        lanes, address=cluster, context=context, examples=examples, min_tier=min_tier, insecure=insecure
    )
