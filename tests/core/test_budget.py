"""The schedule is the tournament's, to the millisecond, and can only tighten."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from harness.core.budget import Budget, Schedule

EPOCHS = st.integers(-1000, 1000)
AMOUNTS = st.floats(0.001, 1e9)
RANGES = st.tuples(AMOUNTS, AMOUNTS).map(lambda pair: (max(pair), min(pair)))
SCHEDULES = st.builds(Schedule, time_ms=RANGES, memory_mb=RANGES, cpu_factor=RANGES, epochs=st.integers(1, 200))


@pytest.mark.parametrize(
    ("epoch", "time_ms", "memory_mb"),
    [(0, 2000, 128), (10, 1750, 112), (20, 1500, 96), (30, 1250, 80), (40, 1000, 64)],
)
def test_the_default_schedule_is_exact(epoch, time_ms, memory_mb):
    budget = Schedule().at(epoch)
    assert (budget.time_ms, budget.memory_mb) == (time_ms, memory_mb)


@pytest.mark.parametrize(("epoch", "same_as"), [(-1, 0), (-(10**9), 0), (41, 40), (10**9, 40)])
def test_epochs_beyond_the_ends_are_clamped(epoch, same_as):
    assert Schedule().at(epoch) == Schedule().at(same_as)


def test_the_cpu_factor_is_geometric():
    factors = [Schedule().at(epoch).cpu_factor for epoch in range(41)]
    assert factors[0] == pytest.approx(20)
    assert factors[20] == pytest.approx(math.sqrt(20 * 1.5))
    assert factors[40] == pytest.approx(1.5)
    steps = [after / before for before, after in pairwise(factors)]
    assert steps == pytest.approx([(1.5 / 20) ** (1 / 40)] * 40)


@given(SCHEDULES, EPOCHS, st.integers(0, 100))
def test_a_budget_never_grows(schedule, epoch, more):
    now, later = schedule.at(epoch), schedule.at(epoch + more)
    assert later.time_ms <= now.time_ms
    assert later.memory_mb <= now.memory_mb
    assert later.cpu_factor <= now.cpu_factor * (1 + 1e-12)


@given(SCHEDULES, EPOCHS)
def test_a_budget_lies_between_the_ends(schedule, epoch):
    budget = schedule.at(epoch)
    for name in ("time_ms", "memory_mb", "cpu_factor"):
        first, last = getattr(schedule, name)
        rounding = 1e-12 * first
        assert last - rounding <= getattr(budget, name) <= first + rounding


@given(RANGES, st.integers(1, 200))
def test_the_ends_are_the_ends(ends, epochs):
    schedule = Schedule(time_ms=ends, epochs=epochs)
    assert schedule.at(0).time_ms == ends[0]
    assert schedule.at(epochs).time_ms == pytest.approx(ends[1], rel=1e-12, abs=1e-12 * ends[0])


@pytest.mark.parametrize("name", ["time_ms", "memory_mb", "cpu_factor"])
def test_a_schedule_that_grows_is_refused(name):
    with pytest.raises(ValidationError, match=rf"{name}\n  .*it must not grow with the epoch, but 1 -> 2 does"):
        Schedule(**{name: (1, 2)})


@pytest.mark.parametrize("name", ["time_ms", "memory_mb", "cpu_factor"])
def test_a_constant_is_a_range(name):
    schedule = Schedule.model_validate({name: 7})
    assert getattr(schedule, name) == (7, 7)
    for epoch in (0, 13, 40):
        assert getattr(schedule.at(epoch), name) == pytest.approx(7)


def test_a_list_is_a_range_as_yaml_writes_it():
    assert Schedule.model_validate({"time_ms": [300, 200], "epochs": 2}).at(1).time_ms == 250


@pytest.mark.parametrize("value", [0, -1, True, "x", None, [1], [3, 2, 1], [1, 0], math.inf, math.nan, [math.inf, 1]])
def test_what_is_no_range_is_refused(value):
    with pytest.raises(ValidationError):
        Schedule.model_validate({"time_ms": value})


@pytest.mark.parametrize("epochs", [0, -1, 1.5])
def test_epochs_are_a_positive_number(epochs):
    with pytest.raises(ValidationError):
        Schedule.model_validate({"epochs": epochs})


@given(SCHEDULES)
def test_a_schedule_survives_its_wire_form(schedule):
    assert Schedule.from_wire(schedule.to_wire()) == schedule


def test_a_budget_cannot_be_changed_or_misspelt():
    budget = Budget(time_ms=1, memory_mb=1)
    with pytest.raises(ValidationError):
        budget.time_ms = 2
    with pytest.raises(ValidationError):
        Budget(time_ms=1, memory_mb=1, time=1)
