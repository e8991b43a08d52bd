"""Searches: complete, resumable, the same for any number of workers."""

from __future__ import annotations

import random
import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.core.errors import InfraError, UsageError
from harness.sweep.measurement import Measurement
from harness.sweep.search import Plan, Result, Strategy, search
from harness.sweep.space import Parameter, Point, Space
from harness.sweep.store import Memory

SPACE = Space([Parameter("m", (32, 64, 128)), Parameter("n", (16, 32)), Parameter("kind", ("a", "b"))])


def _cost(point: Point, repeats: int) -> Measurement:
    if point.values["kind"] == "b" and point.values["m"] == 128:
        return Measurement(status="crash", why="too large")
    value = point.values["m"] / point.values["n"]
    return Measurement(samples=tuple(value + 0.01 * r for r in range(repeats)))


def _shape(result: Result) -> object:
    return [(e.point.index, e.rung, e.measurement) for e in (*result.ranking, *result.failed)]


def test_points_are_numbered_and_the_last_parameter_varies_fastest() -> None:
    points = list(SPACE.points())
    assert [point.index for point in points] == list(range(12))
    assert dict(points[1].values) == {"m": 32, "n": 16, "kind": "b"}
    assert dict(points[11].values) == {"m": 128, "n": 32, "kind": "b"}


@settings(max_examples=30, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 5), min_size=1, max_size=4),
    seed=st.integers(0, 99),
    strategy=st.sampled_from(Strategy),
    points=st.none() | st.integers(1, 40),
    maximize=st.booleans(),
)
def test_the_number_of_workers_changes_nothing(
    sizes: list[int], seed: int, strategy: Strategy, points: int | None, maximize: bool
) -> None:
    space = Space([Parameter(f"p{i}", tuple(range(size))) for i, size in enumerate(sizes)])
    plan = Plan(space, strategy, maximize, points=points, seed=seed)

    def measure(point: Point, repeats: int) -> Measurement:
        chance = random.Random(point.index * 1000 + seed)
        if chance.random() < 0.2:
            return Measurement(status="timeout", why="slow")
        return Measurement(samples=tuple(chance.choice([1.0, 2.0, 3.0]) for _ in range(repeats)))

    alone = search(plan, measure)
    together = search(plan, measure, workers=4)
    assert _shape(alone) == _shape(together)
    everything = {e.point.index for e in (*alone.ranking, *alone.failed)}
    expected = space.size if points is None else min(points, space.size)
    assert len(everything) == expected
    if alone.best is not None:
        final = [e.measurement.value for e in alone.ranking if e.rung == alone.best.rung]
        assert alone.best.measurement.value == (max if maximize else min)(v for v in final if v is not None)


def test_ties_go_to_the_first_point() -> None:
    result = search(Plan(SPACE, Strategy.GRID, maximize=True), lambda _p, _r: Measurement(samples=(1.0,)))
    assert result.best is not None
    assert result.best.point.index == 0
    assert len(result.rivals) == 11


def test_the_best_point_and_the_failed_ones_are_reported() -> None:
    result = search(Plan(SPACE, Strategy.GRID, maximize=True, repeats=3), _cost, workers=2)
    assert result.best is not None
    assert dict(result.best.point.values) == {"m": 128, "n": 16, "kind": "a"}
    assert result.best.measurement.interval == (8.0, 8.02)
    assert [entry.measurement.status for entry in result.failed] == ["crash", "crash"]


def test_points_that_are_not_allowed_are_never_measured() -> None:
    seen = []

    def measure(point: Point, repeats: int) -> Measurement:
        seen.append(point.values["m"])
        return _cost(point, repeats)

    result = search(Plan(SPACE, Strategy.GRID, maximize=True, allowed=lambda v: v["m"] < 64), measure)
    assert set(seen) == {32}
    assert result.left_out == 8


def test_halving_measures_good_points_more_often() -> None:
    counts: dict[int, int] = {}

    def measure(point: Point, repeats: int) -> Measurement:
        counts[point.index] = counts.get(point.index, 0) + repeats
        return Measurement(samples=(float(point.index),) * repeats)

    result = search(Plan(SPACE, Strategy.HALVING, maximize=True), measure)
    assert result.best is not None
    assert result.best.point.index == 11
    assert len(result.best.measurement.samples) == 27
    assert counts[0] == 1
    assert counts[11] == 1 + 3 + 9 + 27
    assert len(result.ranking) == 12


def test_a_search_that_was_interrupted_goes_on() -> None:
    store, calls = Memory(), []

    def breaking(point: Point, repeats: int) -> Measurement:
        if len(calls) == 5:
            raise KeyboardInterrupt
        calls.append(point.index)
        return _cost(point, repeats)

    plan = Plan(SPACE, Strategy.GRID, maximize=True)
    with pytest.raises(KeyboardInterrupt):
        search(plan, breaking, store=store)
    calls.clear()

    def counting(point: Point, repeats: int) -> Measurement:
        calls.append(point.index)
        return _cost(point, repeats)

    result = search(plan, counting, store=store)
    assert 0 < len(calls) < 12
    assert _shape(result) == _shape(search(plan, _cost))
    calls.clear()
    search(plan, counting, store=store)
    assert calls == []
    search(plan, counting, store=store, retry_failed=True)
    assert len(calls) == 2


def test_workers_work_at_the_same_time() -> None:
    both = threading.Barrier(2, timeout=10)

    def measure(_point: Point, _repeats: int) -> Measurement:
        both.wait()  # breaks unless two are here
        return Measurement(samples=(1.0,))

    search(Plan(SPACE, Strategy.GRID, maximize=True), measure, workers=2)
    assert not both.broken


def test_an_error_of_ours_ends_the_search_and_keeps_what_was_measured() -> None:
    store = Memory()

    def measure(point: Point, repeats: int) -> Measurement:
        if point.index == 7:
            raise InfraError("no compiler")
        time.sleep(0)
        return _cost(point, repeats)

    with pytest.raises(InfraError, match="no compiler"):
        search(Plan(SPACE, Strategy.GRID, maximize=True), measure, store=store)
    assert store.get(SPACE.point(0), 0) is not None


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ([], "has no parameters"),
        ([Parameter("a", ())], "no values"),
        ([Parameter("a", (1,)), Parameter("a", (2,))], "twice"),
        ([Parameter("a", (1, 1))], "value twice"),
    ],
)
def test_an_invalid_space_is_refused(parameters: list[Parameter], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        Space(parameters)


def test_a_huge_space_is_sampled_without_listing_it() -> None:
    space = Space([Parameter(f"p{i}", tuple(range(100))) for i in range(8)])
    drawn = space.sample(20, seed=1)
    assert len({point.index for point in drawn}) == 20
    assert drawn == space.sample(20, seed=1)
    assert drawn != space.sample(20, seed=2)


def test_a_measurement_is_never_a_placeholder() -> None:
    with pytest.raises(ValueError, match="if and only if"):
        Measurement(samples=(), status="ok")
    with pytest.raises(ValueError, match="if and only if"):
        Measurement(samples=(1.0,), status="crash")
