"""Store: measured points, kept as soon as they are measured, so that an interrupted search goes on."""

from __future__ import annotations

from typing import Protocol

from harness.sweep.measurement import Measurement
from harness.sweep.space import Point


class Store(Protocol):
    """Where a search keeps what it measured. Called from one thread."""

    def get(self, point: Point, rung: int) -> Measurement | None:
        """What a point came to at a rung, if that is known."""
        ...

    def put(self, point: Point, rung: int, measurement: Measurement) -> None:
        """Keep it; it is durable when this returns."""
        ...


class Memory:
    """A store that lasts as long as the process."""

    def __init__(self) -> None:
        self._found: dict[tuple[int, int], Measurement] = {}

    def get(self, point: Point, rung: int) -> Measurement | None:
        """See `Store`."""
        return self._found.get((point.index, rung))

    def put(self, point: Point, rung: int, measurement: Measurement) -> None:
        """See `Store`."""
        self._found[point.index, rung] = measurement
