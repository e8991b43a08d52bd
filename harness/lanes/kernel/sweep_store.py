"""Searched points: where a search of `harness.sweep` keeps its points: in the ledger, under all they depend on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import ValidationError

from harness.ledger.points import Points
from harness.sweep.measurement import Measurement
from harness.sweep.space import Point

LANE = "kernel"
Kind = Literal["compiled", "measured", "benchmarked"]


@dataclass(frozen=True, slots=True)
class SearchedPoints:
    """See `harness.sweep.store.Store`.

    Attributes:
        points: The lane's points.
        kind: What the search does with a point.
        subject: What people call the kernel.
        basis: All that a point depends on beside its own values; a JSON table.
    """

    points: Points
    kind: Kind
    subject: str
    basis: Mapping[str, Any]

    def get(self, point: Point, rung: int) -> Measurement | None:
        """What is known of a point."""
        known = self.points.find(self._identity(point, rung))
        try:
            return None if known is None else Measurement.from_wire(known)
        except ValidationError:  # of another version of ours: done again
            return None

    def put(self, point: Point, rung: int, measurement: Measurement) -> None:
        """Keep it."""
        self.points.keep(self._identity(point, rung), measurement.to_wire(), kind=self.kind, subject=self.subject)

    def _identity(self, point: Point, rung: int) -> dict[str, Any]:
        return {**self.basis, "kind": self.kind, "configuration": dict(point.values), "rung": rung}
