"""The invariants of a ladder."""

from __future__ import annotations

import pytest

from harness.lanes.kernel.ladder import Step, evaluate_ladder


def step(number: int, *, passed: bool | None = True, **milliseconds: float) -> Step:
    return Step(step=number, kernel=f"k{number}", passed=passed, milliseconds=milliseconds)


def test_a_ladder_that_keeps_its_promises() -> None:
    found = evaluate_ladder([step(2, a=1.0, b=2.0), step(1, a=2.0, b=2.01), step(3, a=1.01, b=1.0)])
    assert [one.step for one in found.steps] == [1, 2, 3]
    assert (found.correctness, found.monotonic, found.wrong, found.regressions) == (True, True, (), ())


def test_a_step_that_regresses_at_one_size_is_named() -> None:
    found = evaluate_ladder([step(1, a=2.0, b=1.0), step(2, a=1.0, b=1.5)])
    (one,) = found.regressions
    assert found.monotonic is False
    assert one.sentence == "k2 takes 1.50 times as long as k1 at b"


def test_a_wrong_step_is_named_however_fast() -> None:
    found = evaluate_ladder([step(1, a=2.0), step(2, passed=False, a=0.1)])
    assert (found.correctness, found.wrong, found.monotonic) == (False, ("k2",), True)


@pytest.mark.parametrize("steps", [[], [step(1, passed=None)], [step(1, a=1.0), step(2, passed=None, b=1.0)]])
def test_what_was_not_measured_is_neither_kept_nor_broken(steps: list[Step]) -> None:
    found = evaluate_ladder(steps)
    assert (found.correctness, found.monotonic) == (None, None)
