"""PointRuns: the points of a search as child runs, in a separate log file next to the parent's."""

from __future__ import annotations

from pathlib import Path

from harness.core.closing import Closing
from harness.dsl.eventlog.canonical import encode
from harness.dsl.eventlog.chain import hash_heads
from harness.dsl.eventlog.durability import Durability
from harness.dsl.eventlog.logfile import LogFile
from harness.dsl.machine.seeds import ENGINE
from harness.sweep.measurement import Measurement
from harness.sweep.space import Point


class PointRuns(Closing):
    """A `harness.sweep` store: one run per point and rung, written when the point is measured.

    One thread writes, so the number of workers changes no hash. A run's head depends on the point and its measurement,
    and the hash of the search is over the heads in the order of the points.

    Args:
        key: Of the search; part of each point's first hash.
    """

    def __init__(self, path: Path, key: str, *, durability: Durability = Durability.PROCESS) -> None:
        self._file = LogFile(path, durability=durability)
        self._key = key
        self._known: dict[tuple[int, int], tuple[Measurement, bytes]] = {}

    def get(self, point: Point, rung: int) -> Measurement | None:
        """The measurement of a point at a rung; None if there is none."""
        if (point.index, rung) not in self._known:
            run = self._file.find(self._name(point, rung))
            if run is None:
                return None
            _, tail = run.load()
            if not tail:  # killed between creating the run and its event
                return None
            self._known[point.index, rung] = (Measurement.model_validate(tail[-1].value["measured"]), run.head)
        return self._known[point.index, rung][0]

    def put(self, point: Point, rung: int, measurement: Measurement) -> None:
        """Write the run of a point."""
        genesis = {"engine": ENGINE, "search": self._key, "point": dict(point.values), "rung": rung}
        name = self._name(point, rung)
        run = self._file.find(name)
        if run is None:
            run = self._file.create(name, genesis, settings={})
        else:
            run.load()
        run.append(encode({"k": "measured", "measured": measurement.to_wire()}), wall=True)
        run.set_status(measurement.status)
        run.commit(boundary=True)
        self._known[point.index, rung] = (measurement, run.head)

    def head(self) -> str:
        """Hex of one hash over the heads of all points, in the order of the points."""
        return hash_heads([head for _, (_, head) in sorted(self._known.items(), key=lambda item: item[0][::-1])]).hex()

    def _name(self, point: Point, rung: int) -> str:
        return f"{self._key}/{rung}/{point.index}"

    def close(self) -> None:
        """Close the log file."""
        self._file.close()
