"""Results: the prediction and the measurement of every kernel at every target size."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from harness.core.digest import digest_json
from harness.core.document import read_document
from harness.core.errors import SuiteError
from harness.core.frozen import Frozen
from harness.lanes.kernel.axis_expression import evaluate
from harness.lanes.kernel.candidate import Candidate
from harness.lanes.kernel.definition import Point, read_definition
from harness.lanes.kernel.device_limits import Device
from harness.lanes.kernel.gpu import MODULES
from harness.lanes.kernel.ladder import Ladder, Step, evaluate_ladder
from harness.ledger.points import Points

Benchmarks = dict[str, tuple[dict[str, Any], str]]
"""Stored benchmarks and their times, by content."""


def identity_of(candidate: Candidate, *, device: str, driver: str) -> dict[str, Any]:
    """What a benchmark depends on: kernel, definition, targets, device and versions."""
    return {
        **candidate.content,
        "targets": [point.label for point in candidate.definition.targets],
        "device": device,
        "driver": driver,
        "versions": {name: importlib.metadata.version(name) for name in MODULES},
    }


class Measured(Frozen):
    """One measurement, as shown in results."""

    milliseconds: float
    speedup: float | None
    low: float | None
    high: float | None
    fastest: str
    """The baseline that the kernel was compared with."""
    baselines: dict[str, float | None]
    tflops: float
    light: float | None
    """The share of the speed of light that was measured in the same session."""
    device: str
    at: str
    versions: dict[str, str]


class Result(Frozen):
    """One kernel at one target."""

    operation: str
    kernel: str
    title: str
    step: int | None
    predicted: float | None
    """The speed-up that its author predicted."""
    target: str
    flops: int
    bytes: int
    floor_ms: float | None
    """The least time by the card's data sheet; None for an unknown card."""
    status: str
    """The status on the device; empty if it never ran there."""
    why: str
    measured: Measured | None


def candidates_of_suites(folder: Path) -> list[Candidate]:
    """The kernels of the suites in a folder, without negative and positive controls (`expect:`).

    Raises:
        SuiteError: if a suite cannot be read.
        SpecError: if a definition is invalid.
    """
    found: dict[tuple[Path, Path], Candidate] = {}
    for path in sorted(folder.rglob("*.suite.yaml")):
        value = read_document(path).value
        if not isinstance(value, dict) or value.get("lane") != "kernel" or "expect" in value:
            continue
        if not isinstance(value.get("definition"), str) or not isinstance(value.get("kernels"), str | list):
            raise SuiteError("a kernel suite must name its definition and its kernels", where=str(path))
        place = (path.parent / value["definition"]).resolve()
        definition = read_definition(place)
        globs = [value["kernels"]] if isinstance(value["kernels"], str) else value["kernels"]
        for pattern in globs:
            for kernel in sorted(_matching(path.parent, str(pattern))):
                found.setdefault((place, kernel), Candidate(kernel, kernel.read_bytes(), definition, place))
    return list(found.values())


def results(candidates: Iterable[Candidate], points: Points | None, *, device: Device | None) -> list[Result]:
    """A row for each kernel and target, with the latest measurement of this kernel and definition, if there is one."""
    known = _benchmarks(points)
    return [row for candidate in candidates for row in _rows(candidate, known, device)]


def ladders(rows: Iterable[Result]) -> dict[str, Ladder]:
    """The ladder of each operation that has at least two numbered steps."""
    found: dict[str, dict[str, Step]] = {}
    for row in rows:
        if row.step is None:
            continue
        steps = found.setdefault(row.operation, {})
        before = steps.get(row.kernel)
        times = dict(before.milliseconds) if before else {}
        if row.measured is not None:
            times[row.target] = row.measured.milliseconds
        passed = None if not row.status else row.status in ("ok", "review", "noisy")
        steps[row.kernel] = Step(step=row.step, kernel=row.kernel, passed=passed, milliseconds=times)
    return {operation: evaluate_ladder(steps.values()) for operation, steps in found.items() if len(steps) > 1}


def _rows(
    candidate: Candidate, known: dict[str, tuple[dict[str, Any], str]], device: Device | None
) -> Iterator[Result]:
    file = candidate.file
    value, at = known.get(_key(candidate.content), ({}, ""))
    for point in candidate.definition.targets:
        flops = evaluate(candidate.definition.flops, point.names)
        moved = evaluate(candidate.definition.bytes, point.names)
        floor = device.floor(flops=flops, bytes_moved=moved, precision=point.dtype) if device else None
        yield Result(
            operation=candidate.operation,
            kernel=candidate.name,
            title=file.title,
            step=file.step,
            predicted=file.predicted,
            target=point.label,
            flops=flops,
            bytes=moved,
            floor_ms=floor.seconds * 1e3 if floor else None,
            status=str(value.get("status", "")),
            why=str(value.get("why", "")),
            measured=_measured(value, point, at),
        )


def _measured(value: dict[str, Any], point: Point, at: str) -> Measured | None:
    for entry in value.get("targets", []):
        if entry["target"] == point.label:
            low, high = entry["interval"] or (None, None)
            return Measured(
                milliseconds=entry["kernel_ms"],
                speedup=entry["speedup"],
                low=low,
                high=high,
                fastest=entry["fastest"],
                baselines=entry["baselines"],
                tflops=entry["tflops"],
                light=entry["light"],
                device=value["device"],
                at=at,
                versions=value["versions"],
            )
    return None


def _benchmarks(points: Points | None) -> Benchmarks:
    """The latest benchmark of each kernel and definition, with any device and versions."""
    found: Benchmarks = {}
    if points is not None:
        for identity, value, at in points.rows(kind="benchmarked"):
            known = value | {"device": identity["device"], "versions": identity["versions"]}
            found[_key(identity)] = known, at
    return found


def _key(identity: dict[str, Any]) -> str:
    return digest_json([identity["kernel"], identity["definition"]])


def _matching(folder: Path, pattern: str) -> Iterator[Path]:
    """Files that match a pattern, which may begin with `..` (`../../kernels/*.py`)."""
    parts = Path(pattern).parts
    while parts and parts[0] == "..":
        folder, parts = folder.parent, parts[1:]
    for path in folder.glob(str(Path(*parts))) if parts else ():
        if path.is_file():
            yield path.resolve()
