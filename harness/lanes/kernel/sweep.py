"""Sweep: walk a kernel's tile space: compile all, drop what cannot run, predict the rest, measure the most promising.

Each point is kept as soon as it is known (`PointStore`), so a sweep that is stopped goes on where it was, and its
result does not depend on how many runs it took: but for measurements a point follows from its identity alone.
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

from harness.core.digest import digest_bytes, digest_json
from harness.core.frozen import Frozen
from harness.core.status import Status
from harness.lanes.kernel import tile_space
from harness.lanes.kernel.architecture import ARCHITECTURES
from harness.lanes.kernel.compiling import Launch, compile_launches
from harness.lanes.kernel.definition import Definition, Point, trusted_files
from harness.lanes.kernel.device import Device
from harness.lanes.kernel.job import Job
from harness.lanes.kernel.kernel_file import Configuration, KernelFile, read_kernel_file
from harness.lanes.kernel.machine_code import MachineCode
from harness.lanes.kernel.nursery import Nursery
from harness.lanes.kernel.performance_model import Prediction, predict
from harness.lanes.kernel.point_store import PointStore

_SECONDS = 60.0
"""For compiling one configuration; what is usual is a second, and what takes a minute spills."""


class Timing(Frozen):
    """What one configuration took on a device."""

    seconds: float
    """Median of a cold call."""
    speedup: float | None = None
    """Time of the fastest baseline over its own, taken in turns."""
    low: float | None = None
    high: float | None = None
    """The 95 % interval of the speed-up."""
    why: str = ""
    """Why there is no right answer to be timed; the figures then mean nothing."""


class Compiled(Frozen):
    """What one configuration compiles to."""

    codes: tuple[MachineCode, ...] = ()
    fault: str = ""
    """Why it cannot run; empty if it can."""


@dataclass(slots=True)
class Tried:
    """One configuration and all that is known of it."""

    configuration: Configuration
    compiled: Compiled
    prediction: Prediction | None = None
    timing: Timing | None = None
    known: bool = False
    """Whether it was compiled in an earlier sweep."""

    @property
    def feasible(self) -> bool:
        """Whether it can run."""
        return not self.compiled.fault


@dataclass(frozen=True, slots=True)
class Subject:
    """A kernel at one point of its operation.

    Attributes:
        path: The kernel's file; its text is read once.
        source: That text.
        definition: The operation.
        place: The definition's file.
        point: The size that is tuned for.
        device: The card that is compiled and predicted for.
    """

    path: Path
    source: bytes
    definition: Definition
    place: Path
    point: Point
    device: Device

    @property
    def file(self) -> KernelFile:
        """What the kernel says of itself."""
        return read_kernel_file(self.source.decode("utf-8", "replace"))

    @property
    def name(self) -> str:
        """What people call it."""
        return self.path.stem

    def identity(self, configuration: Configuration, **more: Any) -> dict[str, Any]:
        """All that a point depends on."""
        return {
            "kernel": digest_bytes(self.source),
            "definition": digest_json(sorted(trusted_files(self.place, self.definition).values())),
            "point": self.point.to_wire(),
            "architecture": self.device.architecture,
            "configuration": configuration,
            "triton": importlib.metadata.version("triton"),
            **more,
        }


Measure = Callable[[Subject, Configuration], Timing]
Progress = Callable[[int, int, str], None]


@dataclass(slots=True)
class Sweep:
    """The result: every configuration that was tried, in the order of the space."""

    subject: Subject
    tried: list[Tried] = field(default_factory=list)

    @property
    def ranked(self) -> list[Tried]:
        """What can run, best first: measured ones by their time, then the others by their prediction."""
        return sorted(
            (one for one in self.tried if one.feasible),
            key=lambda one: (
                one.timing is None or bool(one.timing.why),
                one.timing.seconds if one.timing else 0.0,
                one.prediction.seconds if one.prediction else 0.0,
            ),
        )

    @property
    def agreement(self) -> float | None:
        """Spearman's rank correlation of predicted and measured times; None below three measurements."""
        both = [
            (one.prediction.seconds, one.timing.seconds)
            for one in self.tried
            if one.prediction and one.timing and not one.timing.why
        ]
        return spearman(both) if len(both) >= 3 else None


def sweep(
    subject: Subject,
    store: PointStore,
    nursery: Nursery,
    *,
    most: int | None = None,
    measure: Measure | None = None,
    best: int = 8,
    progress: Progress = lambda _done, _all, _text: None,
) -> Sweep:
    """Walk the tile space of a kernel.

    Args:
        subject: The kernel and the point it is tuned for.
        store: Where points are kept, and found again.
        nursery: The warm processes that compile.
        most: Sample so many configurations instead of all.
        measure: Times one configuration on a device; None where there is none.
        best: How many of the most promising are measured.
        progress: Told how many of how many are done, and which.

    Raises:
        LedgerError: if the store fails.
        InfraError: if a warm process does.
    """
    result = Sweep(subject)
    space = tile_space.configurations(subject.file.space, most=most, seed=0)
    for done, configuration in enumerate(space):
        progress(done, len(space), tile_space.label(configuration))
        compiled, known = _compiled(subject, configuration, store, nursery)
        one = Tried(configuration, compiled, known=known)
        if one.feasible:
            code = max(compiled.codes, key=lambda code: (code.tensor_core_instructions > 0, code.registers))
            one.prediction = predict(subject.definition, subject.point, configuration, code, device=subject.device)
        result.tried.append(one)
    progress(len(space), len(space), "")
    if measure is not None:
        promising = result.ranked[:best]
        for done, one in enumerate(promising):
            progress(done, len(promising), f"measuring {tile_space.label(one.configuration)}")
            one.timing = _timed(subject, one.configuration, store, measure)
        progress(len(promising), len(promising), "")
    return result


def compile_configuration(subject: Subject, configuration: Configuration, nursery: Nursery) -> Compiled:
    """What one configuration compiles to for the subject's card, and whether it can run there."""
    with tempfile.TemporaryDirectory(prefix="crucible-sweep-") as folder:
        job = Job(
            source=subject.source,
            definition=subject.definition,
            place=subject.place.parent,
            questions=(),
            attempts=1,
            timeout=_SECONDS,
            folder=Path(folder),
            nursery=nursery,
            configuration=dict(configuration),
        )
        architectures = (subject.device.architecture,)
        launches, fault, _ = compile_launches(job, (subject.point,), architectures=architectures)
    if fault is not None:
        status, why = fault
        return Compiled(fault=why if status is not Status.OK else "")
    if not launches:
        return Compiled(fault=f"{subject.definition.entry} launches no Triton kernel")
    codes = tuple(launch.best.code for launch in launches if launch.best.code is not None)
    return Compiled(codes=codes, fault="; ".join(fault for launch in launches for fault in faults(launch)))


def _compiled(
    subject: Subject, configuration: Configuration, store: PointStore, nursery: Nursery
) -> tuple[Compiled, bool]:
    identity = subject.identity(configuration)
    kept = store.find(identity)
    if kept is not None:
        try:
            return Compiled.from_wire(kept), True
        except ValidationError:  # of another version of ours: compile again
            kept = None
    compiled = compile_configuration(subject, configuration, nursery)
    names = {"operation": subject.definition.operation, "kernel": subject.name}
    store.keep(identity, compiled.to_wire(), kind="compiled", **names)
    return compiled, False


def _timed(subject: Subject, configuration: Configuration, store: PointStore, measure: Measure) -> Timing:
    identity = subject.identity(configuration, device=subject.device.name, driver=_driver())
    kept = store.find(identity)
    if kept is not None:
        try:
            return Timing.from_wire(kept)
        except ValidationError:
            kept = None
    timing = measure(subject, configuration)
    names = {"operation": subject.definition.operation, "kernel": subject.name}
    store.keep(identity, timing.to_wire(), kind="measured", **names)
    return timing


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
