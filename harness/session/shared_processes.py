"""Shared processes: what the xdist workers of a run share, started by the controller."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from harness.core.case import Case
from harness.lane.context import Closable
from harness.lane.protocol import Lane


def share_processes(cases: Iterable[Case], lanes: Mapping[str, Lane], folder: Path) -> list[Closable]:
    """Start what the lanes of the cases share (`Lane`: `share`), while the workers still collect.

    Args:
        cases: Those that are judged.
        folder: The folder of the run, the `Context.shared` of its workers.

    Returns:
        What to close when no worker runs any more.
    """
    by_lane: dict[str, list[Case]] = {}
    for case in cases:
        by_lane.setdefault(case.lane, []).append(case)
    found: list[Closable] = []
    for name, listed in sorted(by_lane.items()):
        share = getattr(lanes[name], "share", None)
        started = None if share is None else share(listed, folder)
        found += [] if started is None else [started]
    return found
