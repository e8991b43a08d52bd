"""Question: one call of a kernel, and the plan of all its calls, sampled from the run's secret seed."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from harness.core.digest import derive_seed
from harness.lanes.kernel.axis_expression import evaluate
from harness.lanes.kernel.definition import Among, Definition, Family, Point, Shape

SETS = ("tiny", "odd", "tile", "long")
_MAX_TRIES = 200
_MAX_FLOPS, _MAX_BYTES = 1 << 27, 1 << 24  # of a target that the interpreter computes as well


@dataclass(frozen=True, slots=True)
class Question:
    """One call.

    Attributes:
        set: The set of its shape: tiny, odd, tile, hidden, target or suite.
        point: Sizes, precision, parameters.
        family: The family of numbers in its floating-point inputs.
    """

    set: str
    point: Point
    family: Family
    seed: int

    def plan(self, definition: Definition) -> dict[str, Any]:
        """What a process needs to sample the inputs and to make the call, as a JSON value."""
        names = self.point.names
        return {
            "inputs": [
                tensor.plan(names, self.point.dtype) | ({"host": True} if name in definition.host_inputs else {})
                for name, tensor in definition.inputs.items()
            ],
            "outputs": [tensor.plan(names, self.point.dtype) for tensor in definition.outputs.values()],
            "names": list(definition.inputs),
            "parameters": self.point.parameters,
            "precision": self.point.dtype,
            "family": self.family,
            "seed": self.seed,
        }


def plan_questions(definition: Definition, *, seed: int, shapes: Iterable[Shape] = ()) -> tuple[Question, ...]:
    """All questions for one kernel.

    Each shape is asked twice, with numbers of two families; precisions and parameters that it leaves open are assigned
    in turn. Then come the hidden shapes and the targets that the interpreter can compute.

    Args:
        shapes: Sizes to ask instead of the definition's sets.

    Raises:
        ValueError: if a shape does not fit the definition, or no hidden shape can be sampled.
    """
    listed = [("suite", shape) for shape in shapes]
    if not listed:
        listed = [(kind, shape) for kind in SETS for shape in getattr(definition.shapes, kind)]
    settled = [(kind, definition.point(shape, turn=turn)) for turn, (kind, shape) in enumerate(listed)]
    if not shapes and definition.hidden is not None:
        rng = random.Random(derive_seed(seed, "hidden"))  # noqa: S311 - the seed is the secret
        for index in range(definition.hidden.count):
            settled.append(("hidden", _hidden(definition, rng, turn=len(settled) + index)))
    if not shapes:
        settled += [("target", point) for point in definition.targets if is_bearable(definition, point)]
    if not settled:
        settled = [("target", definition.targets[0])]
    questions: list[Question] = []
    first, *others = definition.families
    for turn, (kind, point) in enumerate(settled):
        second = others[turn % len(others)] if others else first
        questions.extend(
            Question(kind, point, family, derive_seed(seed, turn, again))
            for again, family in enumerate((first, second))
        )
    return tuple(questions)


def is_bearable(definition: Definition, point: Point) -> bool:
    """Whether the interpreter can compute a target."""
    return (
        evaluate(definition.flops, point.names) <= _MAX_FLOPS and evaluate(definition.bytes, point.names) <= _MAX_BYTES
    )


def _hidden(definition: Definition, rng: random.Random, *, turn: int) -> Point:
    hidden = definition.hidden
    if hidden is None:
        raise ValueError("the definition has no hidden shapes")
    for _ in range(_MAX_TRIES):
        shape: Shape = {}
        for axis, choice in hidden.axes.items():
            match choice:
                case int():
                    shape[axis] = choice
                case str():
                    shape[axis] = evaluate(choice, shape)
                case Among(among=sizes):
                    shape[axis] = rng.choice(sizes)
                case (low, high):
                    shape[axis] = rng.randint(low, high)
        if all(isinstance(size, int) and size >= 1 for size in shape.values()):
            return definition.point(shape, turn=turn)
    msg = f"hidden.axes gave no positive sizes in {_MAX_TRIES} tries"
    raise ValueError(msg)
