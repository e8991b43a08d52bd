"""Sweep: walk a kernel's tile space: compile all, drop what cannot run, predict the rest, measure the most promising.

Two searches of `harness.sweep`, the engine that the dsl lane's engineering loops use too. Each point is kept in the
ledger as soon as it is known, so a sweep that is stopped goes on where it was; but for measurements a point follows
from its identity alone, whatever the number of workers.
"""

from __future__ import annotations

import functools
import importlib.metadata
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from harness.core.errors import UsageError
from harness.core.frozen import Frozen
from harness.core.status import Status
from harness.lanes.kernel.architecture import ARCHITECTURES
from harness.lanes.kernel.candidate import Candidate
from harness.lanes.kernel.compilation import Launch, compile_launches
from harness.lanes.kernel.compiler_pool import Compilers
from harness.lanes.kernel.definition import Point
from harness.lanes.kernel.device_limits import Device
from harness.lanes.kernel.job import Job
from harness.lanes.kernel.kernel_metadata import Configuration
from harness.lanes.kernel.machine_code import MachineCode
from harness.lanes.kernel.performance_model import Prediction, predict
from harness.lanes.kernel.sweep_store import SearchedPoints
from harness.lanes.kernel.warm_processes import WarmProcesses
from harness.ledger.points import Points
from harness.sweep import space as tiles
from harness.sweep.measurement import Measurement
from harness.sweep.search import Measure, Plan, Strategy, search

_SECONDS = 60.0
"""For compiling one configuration; what is usual is a second, and what takes a minute spills."""


class Compiled(Frozen):
    """What one configuration compiles to."""

    codes: tuple[MachineCode, ...] = ()
    fault: str = ""
    """Why it cannot run; empty if it can."""

    @property
    def main(self) -> MachineCode:
        """Of its kernels the one that does the work: a tensor core's, with the most registers."""
        return max(self.codes, key=lambda code: (code.tensor_core_instructions > 0, code.registers))


@dataclass(slots=True)
class Tried:
    """One configuration and all that is known of it."""

    configuration: Configuration
    compiled: Compiled
    prediction: Prediction | None = None
    measured: Measurement | None = None
    """Its samples are speed-ups over the fastest baseline, one for each round."""

    @property
    def feasible(self) -> bool:
        """Whether it can run."""
        return not self.compiled.fault

    @property
    def milliseconds(self) -> float | None:
        """What a cold call took; None where it was not measured, or not right."""
        found = self.measured
        return None if found is None or found.value is None else float(found.detail["kernel_ms"])


@dataclass(frozen=True, slots=True)
class Subject:
    """A kernel at one point of its operation.

    Attributes:
        candidate: The kernel.
        point: The size that is tuned for.
        device: The card that is compiled and predicted for.
    """

    candidate: Candidate
    point: Point
    device: Device

    @property
    def basis(self) -> dict[str, Any]:
        """All that compiling a configuration depends on."""
        return {
            **self.candidate.tunable,
            "point": self.point.to_wire(),
            "architecture": self.device.architecture,
            "triton": importlib.metadata.version("triton"),
        }

    @property
    def space(self) -> tiles.Space:
        """What can be varied.

        Raises:
            UsageError: if the kernel names nothing, or a value twice.
        """
        said = self.candidate.file
        if said.problem or not said.space:
            raise UsageError(
                said.problem or "it has no SPACE, so there is nothing to tune",
                where=str(self.candidate.path),
                fix='write SPACE = {"BLOCK_M": [64, 128], ...}',
            )
        return tiles.Space([tiles.Parameter(name, choices) for name, choices in said.space.items()])

    def job(self, folder: Path, nursery: WarmProcesses, *, timeout: float, configuration: Configuration) -> Job:
        """A job that asks nothing but this point."""
        return Job(
            source=self.candidate.source,
            definition=self.candidate.definition,
            place=self.candidate.place.parent,
            questions=(),
            attempts=1,
            timeout=timeout,
            folder=folder,
            nursery=nursery,
            configuration=dict(configuration),
        )


@dataclass(slots=True)
class Sweep:
    """The result: every configuration that was tried, in the order of the space."""

    subject: Subject
    tried: list[Tried] = field(default_factory=list)
    known: int = 0
    """How many were compiled in an earlier sweep."""
    unmeasured: str = ""
    """Why nothing was measured."""

    @property
    def ranked(self) -> list[Tried]:
        """What can run, best first: measured ones by their speed-up, then the others by their prediction."""
        return sorted(
            (one for one in self.tried if one.feasible),
            key=lambda one: (
                one.milliseconds is None,
                -(one.measured.value or 0.0) if one.measured else 0.0,
                one.prediction.seconds if one.prediction else 0.0,
            ),
        )

    @property
    def best(self) -> Tried | None:
        """The fastest of those that were measured, and right; a prediction is no result."""
        return next((one for one in self.ranked if one.milliseconds is not None), None)

    @property
    def agreement(self) -> float | None:
        """Spearman's rank correlation of predicted and measured times; None below three measurements."""
        both = [
            (one.prediction.seconds, one.milliseconds)
            for one in self.tried
            if one.prediction and one.milliseconds is not None
        ]
        return spearman(both) if len(both) >= 3 else None


def label(configuration: Configuration) -> str:
    """What people read, for example `BLOCK_M=128 num_warps=8`."""
    return " ".join(f"{name}={value}" for name, value in configuration.items())


def sweep(
    subject: Subject,
    points: Points,
    compilers: Compilers,
    *,
    most: int | None = None,
    measure: Measure | None = None,
    best: int = 8,
    progress: Callable[[str], None] | None = None,
) -> Sweep:
    """Walk the tile space of a kernel.

    Args:
        subject: The kernel and the point it is tuned for.
        points: Where points are kept, and found again.
        compilers: The warm processes that compile.
        most: Sample so many configurations instead of all.
        measure: Times a configuration on a device; None where there is none.
        best: How many of the most promising are measured.
        progress: Takes a short line now and then.

    Raises:
        UsageError: if the kernel has no tile space.
        LedgerError: if the ledger fails.
        InfraError: if a warm process does, or the device.
    """
    space, name = subject.space, subject.candidate.name
    sampled = Strategy.GRID if most is None else Strategy.SAMPLE

    def compiling(point: tiles.Point, _repeats: int) -> Measurement:
        compiled = compilers.run(lambda nursery: compile_configuration(subject, dict(point.values), nursery))
        return _as_measurement(subject, point, compiled)

    found = search(
        Plan(space, sampled, maximize=False, points=most),
        compiling,
        store=SearchedPoints(points, "compiled", name, subject.basis),
        workers=compilers.count,
        progress=progress,
    )
    entries = sorted([*found.ranking, *found.failed], key=lambda entry: entry.point.index)
    tried = {entry.point.index: _tried(subject, entry.point, entry.measurement) for entry in entries}
    result = Sweep(subject, [*tried.values()], known=len(tried) - found.measured)
    if measure is not None:
        promising = [one.configuration for one in result.ranked[:best]]
        raced = search(
            Plan(space, Strategy.HALVING, maximize=True, allowed=lambda values: dict(values) in promising),
            measure,
            store=SearchedPoints(
                points, "measured", name, subject.basis | {"device": subject.device.name, "driver": _driver()}
            ),
            progress=progress,
        )
        for entry in (*raced.ranking, *raced.failed):
            tried[entry.point.index].measured = entry.measurement
    return result


def _as_measurement(subject: Subject, point: tiles.Point, compiled: Compiled) -> Measurement:
    """A point of the first search: its sample is the predicted time."""
    detail = compiled.to_wire()
    if compiled.fault:
        return Measurement(status="unfit", why=compiled.fault, detail=detail)
    return Measurement(samples=(_predicted(subject, dict(point.values), compiled).seconds,), detail=detail)


def _tried(subject: Subject, point: tiles.Point, measurement: Measurement) -> Tried:
    """The prediction is made anew: the model may know better than when the point was kept."""
    configuration = dict(point.values)
    try:
        compiled = Compiled.from_wire(measurement.detail)
    except ValidationError:  # of another version of ours
        compiled = Compiled(fault=measurement.why or "kept by another version")
    prediction = None if compiled.fault else _predicted(subject, configuration, compiled)
    return Tried(configuration, compiled, prediction)


def _predicted(subject: Subject, configuration: Configuration, compiled: Compiled) -> Prediction:
    definition = subject.candidate.definition
    return predict(definition, subject.point, configuration, compiled.main, device=subject.device)


def compile_configuration(subject: Subject, configuration: Configuration, nursery: WarmProcesses) -> Compiled:
    """What one configuration compiles to for the subject's card, and whether it can run there."""
    with tempfile.TemporaryDirectory(prefix="crucible-sweep-") as folder:
        job = subject.job(Path(folder), nursery, timeout=_SECONDS, configuration=configuration)
        architectures = (subject.device.architecture,)
        launches, fault, _ = compile_launches(job, (subject.point,), architectures=architectures)
    if fault is not None:
        status, why = fault
        return Compiled(fault=why if status is not Status.OK else "")
    if not launches:
        return Compiled(fault=f"{subject.candidate.definition.entry} launches no Triton kernel")
    codes = tuple(launch.best.code for launch in launches if launch.best.code is not None)
    return Compiled(codes=codes, fault="; ".join(fault for launch in launches for fault in faults(launch)))


def faults(launch: Launch) -> Iterator[str]:
    """Why a launch cannot run, or should not: it spills."""
    code = launch.best.code
    if code is None:
        yield f"{launch.name} does not compile: {launch.best.fault}"
        return
    limits = ARCHITECTURES[code.architecture]
    if code.shared_bytes > limits.block_shared:
        yield f"{launch.name} needs {code.shared_bytes} bytes of shared memory, {limits.block_shared} are there"
    elif code.occupancy == 0:
        yield f"{launch.name} needs {code.registers * code.threads} registers, {limits.registers} are there"
    elif code.stack_bytes:
        yield f"{launch.name} spills {code.stack_bytes} bytes"


@functools.cache
def _driver() -> str:
    """The driver's version: another one may give other times."""
    path = Path("/proc/driver/nvidia/version")
    return path.read_text().splitlines()[0] if path.is_file() else ""


def spearman(pairs: Sequence[tuple[float, float]]) -> float:
    """Rank correlation of pairs, from -1 to 1; 0 where one side has no order."""
    one, other = (_ranks([pair[side] for pair in pairs]) for side in (0, 1))
    middle = (len(pairs) - 1) / 2
    covariance = sum((a - middle) * (b - middle) for a, b in zip(one, other, strict=True))
    spread = (sum((a - middle) ** 2 for a in one) * sum((b - middle) ** 2 for b in other)) ** 0.5
    return covariance / spread if spread else 0.0


def _ranks(values: Sequence[float]) -> list[float]:
    """Ranks from 0; equal values share the mean of theirs."""
    ordered = sorted(values)
    return [ordered.index(value) + (ordered.count(value) - 1) / 2 for value in values]
