"""ClusterBatch: the cases that a worker of a cluster is given at once, how many they are, and how they are lost."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from harness.core.case import Case

BATCH_SECONDS = 2.0  # a batch is meant to take this long
MAX_BATCH = 64  # cases
FIRST_COST = BATCH_SECONDS / 8  # seconds of a case, until one was measured
AHEAD = 2  # batches for each thread of a worker: one is judged, the next one waits there and may be stolen
LOSSES = 2  # a case that so many workers were lost with is `infra`
UNBEGUN = 0.25  # of a loss: no worker had begun with the batch
Requirement = tuple[str, ...]
"""The resources that a worker must have."""
Offer = tuple[int, dict[str, float]]
"""Threads and resources of a worker."""


@dataclass(slots=True)
class Job:
    """A case that is judged on a cluster.

    Attributes:
        source: The bytes of its subject.
        found: The JSON of its evaluation.
        losses: How many workers were lost with it.
    """

    case: Case
    source: bytes
    found: Future[str]
    losses: float = 0.0


@dataclass(slots=True)
class Batch:
    """Cases that one worker judges.

    Attributes:
        task: Dask's future of it.
        begins: How many workers have begun with it: Dask itself gives it to another one when a worker is lost.
        began: When the last one did, monotonic.
    """

    jobs: list[Job]
    needs: Requirement
    task: Any = None
    begins: int = 0
    began: float = 0.0

    def lose(self) -> None:
        """Count the lost workers for each of its cases.

        Dask's own count has the workers where the batch only waited behind another one, too: it is not at fault there.
        """
        for job in self.jobs:
            job.losses += self.begins or UNBEGUN


class Unplaced:
    """Finds the batches that Dask holds back and does not look at again.

    When its worker is lost, a batch is placed at another one or held back until a worker joins. But that one offers its
    resources only later, when nothing makes Dask look.
    """

    def __init__(self) -> None:
        self._seen: frozenset[str] = frozenset()
        self._suspects: frozenset[str] = frozenset()

    def find(
        self, running: Iterable[str], workers: Iterable[str], placed: Callable[[], Mapping[str, Iterable[str]]]
    ) -> set[str]:
        """The keys of batches that no worker had at two looks, the first after a worker was lost.

        Args:
            running: The keys of batches without a result.
            workers: The addresses of all workers.
            placed: Returns the keys that each worker has; called only after a loss.
        """
        before, self._seen = self._seen, frozenset(workers)
        if before <= self._seen and not self._suspects:
            return set()
        idle = frozenset(running).difference(*placed().values())
        found = idle & self._suspects  # once may be on its way from or to a worker
        self._suspects = idle - found
        return set(found)


def threads_for(needs: Requirement, workers: Iterable[Offer]) -> int:
    """The threads of the workers that have all the resources."""
    return sum(threads for threads, held in workers if all(held.get(need, 0) for need in needs))


def largest_class(prefix: str, workers: Iterable[Offer]) -> str:
    """The class of machines with the most threads, by the name of its resource; empty if there is none."""
    classes: Counter[str] = Counter()
    for threads, held in workers:
        classes.update({name: threads for name, amount in held.items() if name.startswith(prefix) and amount})
    return max(sorted(classes), key=lambda name: classes[name], default="")


def batch_size(waiting: int, *, threads: int, cost: float) -> int:
    """How many of the waiting cases the next batch has: what takes `BATCH_SECONDS`, and not more than a fair share.

    Args:
        waiting: Cases that wait for the same workers.
        threads: Threads of these workers.
        cost: Seconds that a case takes.
    """
    share = math.ceil(waiting / max(1, AHEAD * threads))
    fitting = MAX_BATCH if cost * MAX_BATCH <= BATCH_SECONDS else int(BATCH_SECONDS / cost)
    return max(1, min(fitting, share))
