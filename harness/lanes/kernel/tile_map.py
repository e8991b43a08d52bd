"""Tile map: a sweep as a heat map over two parameters of its space."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from harness.core.digest import digest_json
from harness.core.frozen import Frozen
from harness.lanes.kernel.candidate import Candidate
from harness.lanes.kernel.compiled import Compiled
from harness.lanes.kernel.definition import Point
from harness.lanes.kernel.device_limits import card_of
from harness.lanes.kernel.kernel_metadata import Choice, Configuration
from harness.lanes.kernel.performance_model import predict
from harness.lanes.kernel.sweep_store import Kind
from harness.ledger.points import Points
from harness.sweep.measurement import Measurement

_FIRST = ("BLOCK_M", "BLOCK", "BLOCK_N", "PACK")


class TileMap(Frozen):
    """Times over two parameters, each the best over all other parameters."""

    kernel: str
    point: str
    down: str
    """The parameter of the rows."""
    across: str
    unit: str
    """`measured milliseconds` or `predicted milliseconds`."""
    rows: tuple[Choice, ...]
    columns: tuple[Choice, ...]
    milliseconds: tuple[tuple[float | None, ...], ...]
    """None where no configuration can run."""


def tile_maps(candidate: Candidate, points: Points) -> Iterator[TileMap]:
    """A map for each size that the ledger has points of this kernel for: of measurements, else of predictions."""
    timed = dict(_times(candidate, points, kind="measured"))
    guessed = dict(_times(candidate, points, kind="compiled"))
    for point, predicted in guessed.items():
        unit = f"{'measured' if point in timed else 'predicted'} milliseconds"
        found = _map(candidate, point, timed.get(point, predicted), unit)
        if found is not None:
            yield found


def _times(
    candidate: Candidate, points: Points, *, kind: Kind
) -> Iterator[tuple[str, list[tuple[Configuration, float | None]]]]:
    """For each point, the configurations and their milliseconds; None for one that cannot run."""
    found: dict[str, list[tuple[Configuration, float | None]]] = {}
    content = digest_json(candidate.tunable)
    for identity, value, _ in points.rows(kind=kind):
        if digest_json({name: identity.get(name) for name in ("kernel", "definition")}) != content:
            continue
        try:
            point = Point.from_wire(identity["point"])
            milliseconds = _milliseconds(candidate, point, identity, value, kind)
        except (ValidationError, KeyError):  # stored by another version
            continue
        found.setdefault(point.label, []).append((identity["configuration"], milliseconds))
    yield from found.items()


def _milliseconds(
    candidate: Candidate, point: Point, identity: Mapping[str, Any], value: dict[str, Any], kind: Kind
) -> float | None:
    found = Measurement.from_wire(value)
    if kind == "measured":
        return None if found.value is None else float(found.detail["kernel_ms"])
    compiled = Compiled.from_wire(found.detail)
    if compiled.fault or not compiled.codes:
        return None
    device = card_of(identity["architecture"])
    return predict(candidate.definition, point, identity["configuration"], compiled.main, device=device).seconds * 1e3


def _map(
    candidate: Candidate, point: str, times: list[tuple[Configuration, float | None]], unit: str
) -> TileMap | None:
    varied = [name for name, choices in candidate.file.space.items() if len(choices) > 1]
    if len(varied) < 2:
        return None
    down = next((name for name in _FIRST if name in varied), varied[0])
    across = "BLOCK_N" if "BLOCK_N" in varied and down != "BLOCK_N" else next(name for name in varied if name != down)
    space = candidate.file.space
    best: dict[tuple[Choice, Choice], float] = {}
    for configuration, milliseconds in times:
        place = configuration[down], configuration[across]
        if milliseconds is not None:
            best[place] = min(milliseconds, best.get(place, milliseconds))
    return TileMap(
        kernel=candidate.name,
        point=point,
        down=down,
        across=across,
        unit=unit,
        rows=space[down],
        columns=space[across],
        milliseconds=tuple(tuple(best.get((row, column)) for column in space[across]) for row in space[down]),
    )
