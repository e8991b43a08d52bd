"""Search: which points are measured, how often, and which one is best.

Decisions are made after all points of a rung are known, in the order of their numbers, so neither the number of
workers nor the order in which they finish changes anything.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from enum import StrEnum

from harness.sweep.measurement import Measurement
from harness.sweep.space import Allowed, Point, Space
from harness.sweep.store import Memory, Store

ETA = 3
"""Successive halving (Jamieson and Talwalkar 2016) keeps one point in three, and measures it three times as often."""

Measure = Callable[[Point, int], Measurement]
"""Measures a point some number of times. Called from several threads; a failure is a measurement, not an exception."""


class Strategy(StrEnum):
    """How points are chosen."""

    GRID = "grid"
    """All of them."""
    SAMPLE = "sample"
    """So many, drawn without replacement."""
    HALVING = "halving"
    """So many to begin with, few repetitions each; the best third goes on with three times as many."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to search.

    Attributes:
        space: The points there are.
        strategy: How they are chosen.
        maximize: Which end is better.
        points: For `sample` and `halving`: how many; None for all.
        repeats: Measurements of each point (of the first rung, when halving).
        seed: Of the drawing.
        allowed: Leaves points out before anything is measured.
    """

    space: Space
    strategy: Strategy
    maximize: bool
    points: int | None = None
    repeats: int = 1
    seed: int = 0
    allowed: Allowed | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """A measured point: the newest rung it got to."""

    point: Point
    measurement: Measurement
    rung: int


@dataclass(frozen=True, slots=True)
class Result:
    """What a search found.

    Attributes:
        ranking: Points of the last rung and those that fell out before, best first; failed ones are not in it.
        failed: Points without a measurement, in order.
        measured: How many measurements this process made; the others were known.
        left_out: Points that were not allowed, where all were looked at.
    """

    ranking: tuple[Entry, ...]
    failed: tuple[Entry, ...]
    measured: int
    left_out: int

    @property
    def best(self) -> Entry | None:
        """The best point; None if nothing could be measured."""
        return self.ranking[0] if self.ranking else None

    @property
    def rivals(self) -> tuple[Entry, ...]:
        """Other points whose interval overlaps the best one's: the difference may be noise."""
        best = self.best.measurement.interval if self.best is not None else None
        if best is None:
            return ()
        return tuple(
            entry
            for entry in self.ranking[1:]
            if (other := entry.measurement.interval) is not None and other[0] <= best[1] and best[0] <= other[1]
        )


def search(
    plan: Plan,
    measure: Measure,
    *,
    store: Store | None = None,
    workers: int = 1,
    retry_failed: bool = False,
    progress: Callable[[str], None] | None = None,
) -> Result:
    """Measure what the plan asks for and is not known yet.

    Args:
        plan: What to search.
        measure: Measures one point.
        store: Where measurements are kept; by default for the life of this call.
        workers: Threads that measure.
        retry_failed: Measure points again that are known to have failed.
        progress: Takes a short line now and then.

    Raises:
        Exception: what `measure` or the store raises; what was measured before is kept.
    """
    runner = _Runner(measure, Memory() if store is None else store, workers, retry_failed, progress)
    chosen = _chosen(plan)
    left_out = plan.space.size - len(chosen) if plan.points is None else 0
    fallen: list[Entry] = []
    failed: list[Entry] = []
    rung, repeats = 0, plan.repeats
    while True:
        entries = runner.rung(chosen, rung, repeats)
        failed += [entry for entry in entries if entry.measurement.value is None]
        ranked = sorted((e for e in entries if e.measurement.value is not None), key=lambda e: _order(e, plan))
        keep = max(1, math.ceil(len(ranked) / ETA))
        if plan.strategy is not Strategy.HALVING or len(ranked) <= 1:
            break
        fallen = ranked[keep:] + fallen
        chosen = sorted((entry.point for entry in ranked[:keep]), key=lambda point: point.index)
        rung, repeats = rung + 1, repeats * ETA
        if keep == 1:
            ranked = sorted(runner.rung(chosen, rung, repeats), key=lambda e: e.point.index)
            failed += [entry for entry in ranked if entry.measurement.value is None]
            ranked = [entry for entry in ranked if entry.measurement.value is not None]
            break
    return Result(
        ranking=tuple(ranked + fallen),
        failed=tuple(sorted(failed, key=lambda entry: entry.point.index)),
        measured=runner.measured,
        left_out=left_out,
    )


def _chosen(plan: Plan) -> list[Point]:
    if plan.points is None:
        return list(plan.space.points(plan.allowed))
    return plan.space.sample(plan.points, plan.seed, plan.allowed)


def _order(entry: Entry, plan: Plan) -> tuple[float, int]:
    value = entry.measurement.value
    if value is None:
        return math.inf, entry.point.index
    return (-value if plan.maximize else value), entry.point.index


class _Runner:
    """Measures the points of one rung, several at a time, and keeps each as soon as it is known."""

    def __init__(
        self, measure: Measure, store: Store, workers: int, retry_failed: bool, progress: Callable[[str], None] | None
    ) -> None:
        self._measure, self._store, self._workers = measure, store, max(1, workers)
        self._retry_failed, self._progress = retry_failed, progress
        self.measured = 0

    def rung(self, points: Iterable[Point], rung: int, repeats: int) -> list[Entry]:
        found: dict[int, Entry] = {}
        missing = []
        for point in points:
            known = self._store.get(point, rung)
            if known is None or (self._retry_failed and known.value is None):
                missing.append(point)
            else:
                found[point.index] = Entry(point, known, rung)
        if missing:
            self._run(missing, rung, repeats, found)
        return [found[index] for index in sorted(found)]

    def _run(self, points: list[Point], rung: int, repeats: int, found: dict[int, Entry]) -> None:
        total, count, waiting = len(points), 0, iter(points)
        pool = ThreadPoolExecutor(self._workers, thread_name_prefix="sweep")
        running: dict[Future[Measurement], Point] = {}
        try:
            while True:
                while len(running) < 2 * self._workers and (point := next(waiting, None)) is not None:
                    running[pool.submit(self._measure, point, repeats)] = point
                if not running:
                    return
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in sorted(done, key=lambda one: running[one].index):
                    point = running.pop(future)
                    measurement = future.result()
                    self._store.put(point, rung, measurement)
                    self.measured += 1
                    count += 1
                    found[point.index] = Entry(point, measurement, rung)
                if self._progress is not None:
                    self._progress(f"rung {rung}: {count} of {total} points")
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
