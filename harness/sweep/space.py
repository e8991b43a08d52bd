"""Space: named parameters with their values; a point is one value of each."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.core.digest import derive_seed
from harness.core.errors import UsageError

Scalar = Any
"""bool, int, float or str."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One axis."""

    name: str
    values: tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class Point:
    """One combination.

    Attributes:
        index: Its place in the full product; the identity of the point, and what breaks ties.
        values: By parameter.
    """

    index: int
    values: Mapping[str, Scalar]


Allowed = Callable[[Mapping[str, Scalar]], bool]
"""Whether a point is worth running at all."""


class Space:
    """The product of some parameters, numbered; the last parameter varies fastest.

    Args:
        parameters: At least one, each with at least one value, names and values without duplicates.

    Raises:
        UsageError: if they are not.
    """

    def __init__(self, parameters: Sequence[Parameter]) -> None:
        if not parameters:
            raise UsageError("a sweep without parameters", fix="declare at least one `parameter`")
        names = [parameter.name for parameter in parameters]
        for parameter in parameters:
            if names.count(parameter.name) > 1:
                raise UsageError(f"parameter {parameter.name!r} is there twice", fix="keep one")
            if not parameter.values:
                raise UsageError(f"parameter {parameter.name!r} has no values", fix="give at least one")
            if len({(type(value), value) for value in parameter.values}) != len(parameter.values):
                raise UsageError(f"parameter {parameter.name!r} has a value twice", fix="keep one")
        self.parameters = tuple(parameters)
        self.size = 1
        for parameter in parameters:
            self.size *= len(parameter.values)

    def point(self, index: int) -> Point:
        """The point of a number from 0 to `size - 1`."""
        rest, values = index, {}
        for parameter in reversed(self.parameters):
            rest, place = divmod(rest, len(parameter.values))
            values[parameter.name] = parameter.values[place]
        return Point(index, {parameter.name: values[parameter.name] for parameter in self.parameters})

    def points(self, allowed: Allowed | None = None) -> Iterator[Point]:
        """All points, or those that are allowed, in order."""
        for index in range(self.size):
            point = self.point(index)
            if allowed is None or allowed(point.values):
                yield point

    def sample(self, count: int, seed: int, allowed: Allowed | None = None) -> list[Point]:
        """Some different points, in the order of their numbers; all of them if there are no more than `count`.

        A space too large to list is drawn from by number, so its size does not matter.
        """
        chance = random.Random(derive_seed(seed, "sweep sample"))  # noqa: S311 - reproducible, not secret
        if self.size <= 4 * count + 1000:
            found = list(self.points(allowed))
            return found if len(found) <= count else sorted(chance.sample(found, count), key=lambda point: point.index)
        drawn: dict[int, Point] = {}
        for _ in range(50 * count):
            if len(drawn) == count:
                break
            point = self.point(chance.randrange(self.size))
            if point.index not in drawn and (allowed is None or allowed(point.values)):
                drawn[point.index] = point
        return [drawn[index] for index in sorted(drawn)]
