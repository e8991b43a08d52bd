"""Store: keeps each measurement as soon as it is made, so that an interrupted search can resume."""

from __future__ import annotations

from typing import Protocol

from harness.sweep.measurement import Measurement
from harness.sweep.space import Point


class Store(Protocol):
    """Keeps the measurements of a search. Called from one thread."""

    def get(self, point: Point, rung: int) -> Measurement | None:
        """The measurement of a point at a rung; None if it is not stored."""

    def put(self, point: Point, rung: int, measurement: Measurement) -> None:
        """Store a measurement; it is durable when this returns."""


class Memory:
    """A store in memory, lost when the process ends."""

    def __init__(self) -> None:
        self._found: dict[tuple[int, int], Measurement] = {}

    def get(self, point: Point, rung: int) -> Measurement | None:
        """The stored measurement, or None."""
        return self._found.get((point.index, rung))

    def put(self, point: Point, rung: int, measurement: Measurement) -> None:
        """Store the measurement in memory."""
        self._found[point.index, rung] = measurement
