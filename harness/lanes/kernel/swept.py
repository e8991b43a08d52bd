"""Swept: a kernel at one point of its operation, and the configurations of it that were tried."""

from __future__ import annotations

import importlib.metadata
from dataclasses import dataclass, field
from typing import Any

from harness.core.errors import UsageError
from harness.core.stats import spearman
from harness.lanes.kernel.candidate import Candidate
from harness.lanes.kernel.compiled import Compiled
from harness.lanes.kernel.definition import Point
from harness.lanes.kernel.device_limits import Device
from harness.lanes.kernel.kernel_metadata import Configuration
from harness.lanes.kernel.performance_model import Prediction
from harness.sweep import space as tiles
from harness.sweep.measurement import Measurement


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

    @property
    def rank(self) -> tuple[bool, float, float]:
        """The order, best first: measured ones by speed-up, then the others by prediction."""
        speed_up = (self.measured.value or 0.0) if self.measured else 0.0
        return self.milliseconds is None, -speed_up, self.prediction.seconds if self.prediction else 0.0


@dataclass(frozen=True, slots=True)
class Subject:
    """A kernel at one point of its operation.

    Attributes:
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
        if file.problem:
            raise UsageError(file.problem, where=str(self.candidate.path))
        if not file.space:
            what, fix = "it has no SPACE, so there is nothing to tune", 'write SPACE = {"BLOCK_M": [64, 128], ...}'
            raise UsageError(what, where=str(self.candidate.path), fix=fix)
        return tiles.Space([tiles.Parameter(name, choices) for name, choices in file.space.items()])


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
        return sorted((one for one in self.tried if one.feasible), key=lambda one: one.rank)

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
