"""Search: selects the points to measure and their repetitions, and ranks the results.

Decisions are made after all points of a rung are measured, in the order of their indices, so the result depends neither
on the number of workers nor on the order in which they finish.
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
"""Measures a point a given number of times. Called from several threads; reports a failure as a Measurement."""


class Strategy(StrEnum):
    """The order and number of the points that a search measures."""

    GRID = "grid"
    """Measure every point of the space."""
    SAMPLE = "sample"
    """A random sample without replacement."""
    HALVING = "halving"
    """Successive halving: a sample with few repetitions; the best third is measured with three times as many."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The definition of a search.

    Attributes:
        points: For `sample` and `halving`: the number of points; None for all.
        repeats: Repetitions per point (in the first rung, for `halving`).
        allowed: Predicate that excludes points before they are measured.
        chosen: The points themselves, in the order of their indices; None if the strategy selects them.
    """

    space: Space
    strategy: Strategy
    maximize: bool
    points: int | None = None
    repeats: int = 1
    seed: int = 0
    allowed: Allowed | None = None
    chosen: tuple[Point, ...] | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """A measured point with the last rung it reached."""

    point: Point
    measurement: Measurement
    rung: int


@dataclass(frozen=True, slots=True)
class Result:
    """The result of a search.

    Attributes:
        ranking: Points of the last rung, then those eliminated before, best first; without failed points.
        failed: Points whose measurement failed, in order.
        measured: Number of measurements made by this process; the others came from the store.
        left_out: Number of points excluded by `allowed`, if the whole space was searched.
    """

    ranking: tuple[Entry, ...]
    failed: tuple[Entry, ...]
    measured: int
    left_out: int

    @property
    def best(self) -> Entry | None:
        """The best point; None if no measurement succeeded."""
        return self.ranking[0] if self.ranking else None

    @property
    def rivals(self) -> tuple[Entry, ...]:
        """Other points whose interval overlaps that of the best one, so that the difference may be noise."""
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
    """Measure the points of a plan that are not in the store, and rank all of them.

    Args:
        store: Keeps the measurements; by default in memory, for this call only.

    Raises:
        Exception: any exception of `measure` or the store; earlier measurements are kept.
    """
    runner = _Runner(measure, Memory() if store is None else store, workers, retry_failed, progress)
    chosen = _chosen(plan)
    left_out = plan.space.size - len(chosen) if plan.points is None and plan.chosen is None else 0
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
    if plan.chosen is not None:
        return list(plan.chosen)
    if plan.points is None:
        return list(plan.space.points(plan.allowed))
    return plan.space.sample(plan.points, plan.seed, plan.allowed)


def _order(entry: Entry, plan: Plan) -> tuple[float, int]:
    value = entry.measurement.value
    if value is None:
        return math.inf, entry.point.index
    return (-value if plan.maximize else value), entry.point.index


class _Runner:
    """Measures the points of one rung in parallel and stores each measurement at once."""

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
