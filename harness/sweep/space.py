"""Space: the product of named parameters; a point has one value of each parameter."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.core.digest import derive_seed
from harness.core.errors import UsageError

Scalar = Any
"""A bool, int, float or str."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One axis of a space: a name and its values."""

    name: str
    values: tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class Point:
    """One combination of parameter values.

    Attributes:
        index: Index in the full product; it identifies the point and breaks ties.
        values: The value of each parameter, by name.
    """

    index: int
    values: Mapping[str, Scalar]


Allowed = Callable[[Mapping[str, Scalar]], bool]
"""Predicate on the values of a point; False excludes the point from the search."""


class Space:
    """The indexed product of parameters; the last parameter varies fastest.

    Args:
        parameters: At least one, each with at least one value, names and values without duplicates.

    Raises:
        UsageError: if the parameters violate these conditions.
    """

    def __init__(self, parameters: Sequence[Parameter]) -> None:
        if not parameters:
            raise UsageError("the sweep has no parameters", fix="declare at least one `parameter`")
        names = [parameter.name for parameter in parameters]
        for parameter in parameters:
            if names.count(parameter.name) > 1:
                raise UsageError(f"parameter {parameter.name!r} is declared twice", fix="keep one")
            if not parameter.values:
                raise UsageError(f"parameter {parameter.name!r} has no values", fix="add at least one")
            if len({(type(value), value) for value in parameter.values}) != len(parameter.values):
                raise UsageError(f"parameter {parameter.name!r} has a value twice", fix="keep one")
        self.parameters = tuple(parameters)
        self.size = 1
        for parameter in parameters:
            self.size *= len(parameter.values)

    def point(self, index: int) -> Point:
        """The point at an index from 0 to `size - 1`."""
        rest, values = index, {}
        for parameter in reversed(self.parameters):
            rest, place = divmod(rest, len(parameter.values))
            values[parameter.name] = parameter.values[place]
        return Point(index, {parameter.name: values[parameter.name] for parameter in self.parameters})

    def find(self, values: Any) -> Point | None:
        """The point with exactly these values by name, types included; None if there is none."""
        if not isinstance(values, Mapping) or values.keys() != {parameter.name for parameter in self.parameters}:
            return None
        index = 0
        for parameter in self.parameters:
            given = values[parameter.name]
            places = [at for at, one in enumerate(parameter.values) if type(one) is type(given) and one == given]
            if not places:
                return None
            index = index * len(parameter.values) + places[0]
        return self.point(index)

    def points(self, allowed: Allowed | None = None) -> Iterator[Point]:
        """All points that `allowed` accepts, in order of their indices."""
        for index in range(self.size):
            point = self.point(index)
            if allowed is None or allowed(point.values):
                yield point

    def sample(self, count: int, seed: int, allowed: Allowed | None = None) -> list[Point]:
        """A random sample of distinct points in order of their indices; all points if there are at most `count`.

        In a large space random indices are sampled instead of listing all points.
        """
        rng = random.Random(derive_seed(seed, "sweep sample"))  # noqa: S311 - reproducible, not secret
        if self.size <= 4 * count + 1000:
            found = list(self.points(allowed))
            return found if len(found) <= count else sorted(rng.sample(found, count), key=lambda point: point.index)
        sampled: dict[int, Point] = {}
        for _ in range(50 * count):
            if len(sampled) == count:
                break
            point = self.point(rng.randrange(self.size))
            if point.index not in sampled and (allowed is None or allowed(point.values)):
                sampled[point.index] = point
        return [sampled[index] for index in sorted(sampled)]
