"""Rows: the one output of every benchmark that `bench.py` runs, a JSON line each.

A row holds what one unit of work (a candidate, a step, a case, a file) took in each round, in seconds of wall and CPU
time; of a comparison on both sides. A ratio is the peer's time over ours, within a round: above 1 we are faster.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import math
import os
import resource
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

# As after an installation: where no byte code is kept, each process that is measured would compile the package again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

INSTALL = "pip install 'pytest-crucible[bench]'"


class Sample(NamedTuple):
    """Seconds of one unit of work in one round."""

    wall: float
    cpu: float


def version_of(distribution: str) -> str:
    """`name version` of an installed peer; empty if it is not installed."""
    try:
        return f"{distribution} {importlib.metadata.version(distribution)}"
    except importlib.metadata.PackageNotFoundError:
        return ""


def compared(
    what: str,
    peer: str,
    unit: str,
    ours: list[Sample],
    theirs: list[Sample],
    *,
    goal: float | None = None,
    goal_wall: float | None = None,
) -> None:
    """Print the row of a comparison.

    Args:
        what: What was done, on our side.
        peer: The peer with its version.
        unit: One unit of work.
        ours: Our samples, one for each round.
        theirs: The peer's, of the same rounds.
        goal: The ratio of CPU time that is wanted.
        goal_wall: The ratio of wall time that is wanted.
    """
    goals = {"goal": goal, "goal_wall": goal_wall}
    print(
        json.dumps({"what": what, "peer": peer, "unit": unit, **goals, **_sides(ours=ours, theirs=theirs)}), flush=True
    )


def measured(
    what: str, unit: str, ours: list[Sample], *, goal: float | None = None, goal_wall: float | None = None
) -> None:
    """Print the row of a measurement that has no peer.

    Args:
        what: What was done.
        unit: One unit of work.
        ours: A sample for each round; NaN where a clock was not read.
        goal: The seconds of CPU time that one unit may take.
        goal_wall: The seconds of wall time that one unit may take.
    """
    goals = {"goal": goal, "goal_wall": goal_wall}
    print(json.dumps({"what": what, "peer": "", "unit": unit, **goals, **_sides(ours=ours)}), flush=True)


def _sides(**sides: list[Sample]) -> dict[str, dict[str, list[float]]]:
    clocks = {name: zip(*side, strict=True) for name, side in sides.items()}
    return {
        name: {
            clock: [one for one in times if not math.isnan(one)]
            for clock, times in zip(Sample._fields, both, strict=True)
        }
        for name, both in clocks.items()
    }


def absent(what: str, peer: str) -> None:
    """Print the row of a peer that is not installed."""
    print(json.dumps({"what": what, "peer": peer, "missing": INSTALL}), flush=True)


def took(work: Callable[[], Any], units: int) -> Sample:
    """What a piece of work took for each of its units: all processes that it started count."""
    before, started = cpu_seconds(), time.perf_counter()
    work()
    return Sample((time.perf_counter() - started) / units, (cpu_seconds() - before) / units)


def ratios(row: dict[str, Any], clock: str) -> list[float]:
    """The peer's time over ours, by round."""
    return [theirs / ours for ours, theirs in zip(row["ours"][clock], row["theirs"][clock], strict=True)]


def spread(values: list[float]) -> str:
    """`median (lowest to highest)`."""
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def cpu_seconds() -> float:
    """CPU seconds of this process, its past children, and every living descendant: zygotes live on."""
    total = 0.0
    for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN):
        usage = resource.getrusage(who)
        total += usage.ru_utime + usage.ru_stime
    ticks = os.sysconf("SC_CLK_TCK")
    waiting = [os.getpid()]
    while waiting:
        children = _children(waiting.pop())
        waiting += map(int, children)
        for child in children:
            cells = _read(Path(f"/proc/{child}/stat")).rpartition(")")[2].split()
            total += sum(int(cell) for cell in cells[11:15]) / ticks
    return total


def _children(process: int) -> list[str]:
    folder = Path(f"/proc/{process}/task")
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has just ended
        return " ".join(_read(folder / task / "children") for task in os.listdir(folder)).split()
    return []


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except (FileNotFoundError, ProcessLookupError):  # the process has just ended
        return ""
