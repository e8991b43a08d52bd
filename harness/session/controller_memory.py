"""The memory of an xdist controller: a limit that its threads do not fit in is refused.

A thread that cannot start ends pytest with tracebacks, or never: workers wait for its answer.
"""

from __future__ import annotations

import resource

import pytest

from harness.core.resources import mapped_bytes

DEFAULT_STACK = 2 << 20
"""Bytes of a thread's stack where no limit sets its size."""
HEADROOM = 96 << 20
"""Bytes of what a controller reads, writes and compresses while cases are judged."""


BEFORE = pytest.StashKey[int]()
"""Bytes that were mapped before the first thread; each thread may reserve an arena of 64 MiB, but needs none."""


def require_xdist_room(config: pytest.Config, workers: int) -> None:
    """Check, before the workers are started, that the threads of xdist fit: one for each, and two more at the end.

    Raises:
        pytest.UsageError: if they do not.
    """
    config.stash[BEFORE] = mapped_bytes()
    _require(config, workers, threads=3 * workers)


def require_judging_room(config: pytest.Config, workers: int) -> None:
    """Check that judging fits, too: for each worker a thread that serves it and one that reads from a judge process.

    Raises:
        pytest.UsageError: if it does not.
    """
    _require(config, workers, threads=3 * workers + 1, extra=HEADROOM)


def _require(config: pytest.Config, workers: int, *, threads: int, extra: int = 0) -> None:
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    stack, _ = resource.getrlimit(resource.RLIMIT_STACK)
    needed = threads * (DEFAULT_STACK if stack == resource.RLIM_INFINITY else stack) + extra
    needed += config.stash.get(BEFORE, 0)
    if limit != resource.RLIM_INFINITY and limit < needed:
        raise pytest.UsageError(
            f"the limit of {limit >> 20} MiB on memory (`ulimit -v`) is too low for -n {workers}: the controller needs "
            f"about {-(-needed >> 20)} MiB\n  fix: raise the limit, use fewer workers or leave -n out"
        )
