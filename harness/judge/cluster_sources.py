"""ClusterSources: what a cluster is sent once: the trusted files of cases, and the bytes of large candidates."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.core.case import Case
from harness.core.named_path import named_path
from harness.judge.cluster_batch import Job

LARGE = 64 << 10
"""Bytes from which on a source is kept: a key of Dask costs as much CPU time, 0.8 ms, as sending so many again."""
MAX_KEPT = 256 << 20
"""Bytes of sources that the workers keep for later batches; those that were not used for the longest time go first."""


class ClusterSources:
    """Keeps large sources with the workers, as data of Dask by digest: each worker fetches one at most once.

    Args:
        client: Dask's client; the data are gone with it.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self._kept: OrderedDict[str, tuple[Any, int]] = OrderedDict()
        self._bytes = 0

    def of(self, jobs: Sequence[Job]) -> list[Any]:
        """The sources of some cases as arguments of a task: small ones as they are, large ones as futures of Dask."""
        large = {job.case.subject.digest: job.source for job in jobs if len(job.source) >= LARGE}
        missing = {digest: source for digest, source in large.items() if not self._use(digest)}
        if missing:  # without keys of our own: those of lost data cannot be used again
            futures = self._client.scatter(list(missing.values()), hash=False)
            for (digest, source), future in zip(missing.items(), futures, strict=True):
                self._kept[digest] = future, len(source)
                self._bytes += len(source)
        found = [self._kept[digest][0] if (digest := job.case.subject.digest) in large else job.source for job in jobs]
        while self._bytes > MAX_KEPT:
            self._forget(next(iter(self._kept)))
        return found

    def _use(self, digest: str) -> bool:
        """Whether a source is with the workers; the one that had it may have been lost."""
        if digest not in self._kept:
            return False
        if self._kept[digest][0].status != "finished":
            self._forget(digest)
            return False
        self._kept.move_to_end(digest)
        return True

    def _forget(self, digest: str) -> None:
        self._bytes -= self._kept.pop(digest)[1]


def trusted_paths(case: Case) -> list[str]:
    """The trusted files and folders that the inputs of a case name, by absolute path."""
    values = [value for value in case.inputs.values() if isinstance(value, str) and value.startswith("/")]
    return [value for value in values if value != case.subject.path and named_path(Path(value), "") is not None]
