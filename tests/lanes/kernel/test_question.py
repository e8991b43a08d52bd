"""The plan of questions: secret, repeatable, and hard to answer from memory."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.lanes.kernel.definition import Definition, read_definition
from harness.lanes.kernel.question import plan_questions

ROOT = Path(__file__).parents[3]
FMHA = read_definition(ROOT / "specs/kernels/fmha.yaml")


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**62))
def test_the_same_seed_gives_the_same_questions(seed: int) -> None:
    questions = plan_questions(FMHA, seed=seed)
    assert questions == plan_questions(FMHA, seed=seed)
    assert {q.seed for q in questions}.isdisjoint({q.seed for q in plan_questions(FMHA, seed=seed + 1)})
    hidden = [q.point.sizes for q in questions if q.set == "hidden"]
    assert all(sizes["H"] == 2 * sizes["G"] and sizes["D"] in (64, 128) and 1 <= sizes["S"] <= 96 for sizes in hidden)


def test_every_shape_is_asked_twice_with_other_numbers() -> None:
    questions = plan_questions(FMHA, seed=1)
    for first, second in zip(questions[::2], questions[1::2], strict=True):
        assert first.point == second.point
        assert first.seed != second.seed
        assert first.family != second.family


def test_a_suites_shapes_replace_the_sets() -> None:
    questions = plan_questions(FMHA, seed=1, shapes=[{"B": 1, "H": 1, "G": 1, "S": 3, "D": 64}])
    assert {q.set for q in questions} == {"suite"}


def test_hidden_shapes_that_cannot_be_are_an_error() -> None:
    wire = FMHA.to_wire()
    wire["hidden"]["axes"]["H"] = "G - 9"
    with pytest.raises(ValueError, match="gave no positive sizes"):
        plan_questions(Definition.from_wire(wire), seed=1)
