"""Sweep: tune a kernel over its tile space: compile all configurations, predict the feasible ones, measure the best.

It consists of two searches of `harness.sweep`, which the engineering loops of the dsl lane use too. Each point is
stored in the ledger as soon as it is known, so an interrupted sweep continues. Apart from measurements, a point depends
on its identity alone, not on the number of workers.
"""

from __future__ import annotations

import functools
import importlib.metadata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from harness.core.errors import UsageError
from harness.core.frozen import Frozen
from harness.core.owned_folder import OwnedFolder
from harness.core.status import Status
from harness.lanes.kernel.architecture import ARCHITECTURES
from harness.lanes.kernel.candidate import Candidate
from harness.lanes.kernel.compilation import Launch, compile_launches
from harness.lanes.kernel.compiler_pool import CompilerPool
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

_COMPILE_SECONDS = 60.0  # for one configuration; one second is typical, and a longer compilation spills


class Compiled(Frozen):
    """The machine code of one configuration."""

    codes: tuple[MachineCode, ...] = ()
    fault: str = ""
    """Why it cannot run; empty if it can."""

    @property
    def main(self) -> MachineCode:
        """The main kernel: one with tensor-core instructions if possible, and of those the one with most registers."""
        return max(self.codes, key=lambda code: (code.tensor_core_instructions > 0, code.registers))


@dataclass(slots=True)
class Tried:
    """One configuration with its compilation, prediction and measurement."""

    configuration: Configuration
    compiled: Compiled
    prediction: Prediction | None = None
    measured: Measurement | None = None
    """Its samples are speed-ups over the fastest baseline, one for each round."""

    @property
    def feasible(self) -> bool:
        """Whether the configuration compiled without a fault."""
        return not self.compiled.fault

    @property
    def milliseconds(self) -> float | None:
        """The measured time of a cold call; None if it was not measured, or was wrong."""
        found = self.measured
        return None if found is None or found.value is None else float(found.detail["kernel_ms"])


@dataclass(frozen=True, slots=True)
class Subject:
    """A kernel at one point of its operation.

    Attributes:
        candidate: The kernel.
        point: The size that the kernel is tuned for.
        device: The card that it is compiled for.
    """

    candidate: Candidate
    point: Point
    device: Device

    @property
    def basis(self) -> dict[str, Any]:
        """What the compilation of a configuration depends on, in addition to the configuration."""
        return {
            **self.candidate.tunable,
            "point": self.point.to_wire(),
            "architecture": self.device.architecture,
            "triton": importlib.metadata.version("triton"),
        }

    @property
    def space(self) -> tiles.Space:
        """The tile space of the kernel.

        Raises:
            UsageError: if the kernel has no space, or a value occurs twice.
        """
        file = self.candidate.file
        if file.problem or not file.space:
            raise UsageError(
                file.problem or "it has no SPACE, so there is nothing to tune",
                where=str(self.candidate.path),
                fix='write SPACE = {"BLOCK_M": [64, 128], ...}',
            )
        return tiles.Space([tiles.Parameter(name, choices) for name, choices in file.space.items()])

    def job(self, folder: Path, processes: WarmProcesses, *, timeout: float, configuration: Configuration) -> Job:
        """A job without questions, for this point only."""
        return Job(
            source=self.candidate.source,
            definition=self.candidate.definition,
            place=self.candidate.place.parent,
            questions=(),
            attempts=1,
            timeout=timeout,
            folder=folder,
            processes=processes,
            configuration=dict(configuration),
        )


@dataclass(slots=True)
class Sweep:
    """The result: every tried configuration, in the order of the space."""

    subject: Subject
    tried: list[Tried] = field(default_factory=list)
    known: int = 0
    """How many configurations were compiled in an earlier sweep."""
    unmeasured: str = ""
    """Why no configuration was measured; empty if some were."""

    @property
    def ranked(self) -> list[Tried]:
        """The feasible configurations, best first: measured ones by speed-up, then the others by prediction."""
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
        """The fastest right configuration that was measured; a prediction does not count."""
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
    """A configuration as a string, for example `BLOCK_M=128 num_warps=8`."""
    return " ".join(f"{name}={value}" for name, value in configuration.items())


def sweep(
    subject: Subject,
    points: Points,
    compilers: CompilerPool,
    *,
    max_configurations: int | None = None,
    measure: Measure | None = None,
    best: int = 8,
    progress: Callable[[str], None] | None = None,
) -> Sweep:
    """Search the tile space of a kernel.

    Args:
        subject: The kernel and its point.
        points: The lane's points of the ledger.
        compilers: The pool of compile processes.
        max_configurations: Sample this many configurations instead of trying all.
        measure: Times a configuration on a device; None if there is no device.
        best: How many of the best predictions are measured.
        progress: Receives short messages.

    Raises:
        UsageError: if the kernel has no tile space.
        LedgerError: if the ledger fails.
        InfraError: if a warm process or the device fails.
    """
    space, name = subject.space, subject.candidate.name
    sampled = Strategy.GRID if max_configurations is None else Strategy.SAMPLE

    def compile_point(point: tiles.Point, _repeats: int) -> Measurement:
        compiled = compilers.run(lambda processes: compile_configuration(subject, dict(point.values), processes))
        return _as_measurement(subject, point, compiled)

    found = search(
        Plan(space, sampled, maximize=False, points=max_configurations),
        compile_point,
        store=SearchedPoints(points, "compiled", name, subject.basis),
        workers=compilers.count,
        progress=progress,
    )
    entries = sorted([*found.ranking, *found.failed], key=lambda entry: entry.point.index)
    tried = {entry.point.index: _tried(subject, entry.point, entry.measurement) for entry in entries}
    result = Sweep(subject, [*tried.values()], known=len(tried) - found.measured)
    if measure is not None:
        promising = [one.configuration for one in result.ranked[:best]]
        timed = search(
            Plan(space, Strategy.HALVING, maximize=True, allowed=lambda values: dict(values) in promising),
            measure,
            store=SearchedPoints(
                points, "measured", name, subject.basis | {"device": subject.device.name, "driver": _driver()}
            ),
            progress=progress,
        )
        for entry in (*timed.ranking, *timed.failed):
            tried[entry.point.index].measured = entry.measurement
    return result


def _as_measurement(subject: Subject, point: tiles.Point, compiled: Compiled) -> Measurement:
    """A point of the first search, whose sample is the predicted time."""
    detail = compiled.to_wire()
    if compiled.fault:
        return Measurement(status="unfit", why=compiled.fault, detail=detail)
    return Measurement(samples=(_predicted(subject, dict(point.values), compiled).seconds,), detail=detail)


def _tried(subject: Subject, point: tiles.Point, measurement: Measurement) -> Tried:
    """A tried configuration; its prediction is computed again, because the model may have changed since."""
    configuration = dict(point.values)
    try:
        compiled = Compiled.from_wire(measurement.detail)
    except ValidationError:  # stored by another version
        compiled = Compiled(fault=measurement.why or "kept by another version")
    prediction = None if compiled.fault else _predicted(subject, configuration, compiled)
    return Tried(configuration, compiled, prediction)


def _predicted(subject: Subject, configuration: Configuration, compiled: Compiled) -> Prediction:
    definition = subject.candidate.definition
    return predict(definition, subject.point, configuration, compiled.main, device=subject.device)


def compile_configuration(subject: Subject, configuration: Configuration, processes: WarmProcesses) -> Compiled:
    """Compile one configuration for the subject's card, and check whether it can run there."""
    with OwnedFolder("sweep") as folder:
        job = subject.job(folder, processes, timeout=_COMPILE_SECONDS, configuration=configuration)
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
    """Why a launch cannot run on its architecture, or spills."""
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
    """The driver's version, on which measured times depend; empty without a driver."""
    path = Path("/proc/driver/nvidia/version")
    return path.read_text().splitlines()[0] if path.is_file() else ""


def spearman(pairs: Sequence[tuple[float, float]]) -> float:
    """Spearman's rank correlation of pairs, from -1 to 1; 0 if all values of one side are equal."""
    one, other = (_ranks([pair[side] for pair in pairs]) for side in (0, 1))
    middle = (len(pairs) - 1) / 2
    covariance = sum((a - middle) * (b - middle) for a, b in zip(one, other, strict=True))
    spread = (sum((a - middle) ** 2 for a in one) * sum((b - middle) ** 2 for b in other)) ** 0.5
    return covariance / spread if spread else 0.0


def _ranks(values: Sequence[float]) -> list[float]:
    """Ranks from 0; equal values share the mean of theirs."""
    ordered = sorted(values)
    return [ordered.index(value) + (ordered.count(value) - 1) / 2 for value in values]
