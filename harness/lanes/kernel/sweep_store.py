"""Sweep store: keeps the points of a search of `harness.sweep` in the ledger, under all they depend on."""

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
        basis: What a point depends on in addition to its own values; a JSON object.
    """

    points: Points
    kind: Kind
    subject: str
    basis: Mapping[str, Any]

    def get(self, point: Point, rung: int) -> Measurement | None:
        """The stored measurement of a point; None if there is none."""
        known = self.points.find(self._identity(point, rung))
        try:
            return None if known is None else Measurement.from_wire(known)
        except ValidationError:  # stored by another version: measured again
            return None

    def put(self, point: Point, rung: int, measurement: Measurement) -> None:
        """Store the measurement of a point."""
        self.points.keep(self._identity(point, rung), measurement.to_wire(), kind=self.kind, subject=self.subject)

    def _identity(self, point: Point, rung: int) -> dict[str, Any]:
        return {**self.basis, "kind": self.kind, "configuration": dict(point.values), "rung": rung}
