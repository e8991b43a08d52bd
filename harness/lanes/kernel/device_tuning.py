"""Tuning: many configurations of one kernel on a device, right and in turn with the fastest baseline.

The stands stay from one configuration to the next, because starting one takes longer than timing it; after a fault
they are started anew, so that what one configuration broke is not the next one's trouble.
"""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from harness.lanes.kernel import definition
from harness.lanes.kernel.baselines import Baselines
from harness.lanes.kernel.device_client import Bench
from harness.lanes.kernel.device_session import Arena, KernelFault, build_kernel, open_arena, stand_of
from harness.lanes.kernel.gpu import Gpu
from harness.lanes.kernel.job import Job
from harness.lanes.kernel.kernel_metadata import Configuration
from harness.lanes.kernel.measurement import Rounds
from harness.lanes.kernel.paired_rounds import duel, survey_of
from harness.lanes.kernel.sweep import Subject
from harness.lanes.kernel.warm_processes import WarmProcesses
from harness.sweep.measurement import Measurement
from harness.sweep.search import Measure
from harness.sweep.space import Point

_SECONDS = 120.0


@contextmanager
def measurer(
    subject: Subject, nursery: WarmProcesses, baselines: Baselines, gpu: Gpu | None, *, seed: int
) -> Iterator[Measure]:
    """Something that times configurations of a kernel at its point, within a session (`measuring.session`).

    Args:
        subject: The kernel and its point.
        nursery: The warm processes of the lane; one of them judges.
        baselines: The stand with the baselines.
        gpu: The device.
        seed: Where inputs come from.
    """
    with tempfile.TemporaryDirectory(prefix="crucible-tuning-") as folder:
        job = subject.job(Path(folder) / "job", nursery, timeout=_SECONDS, configuration={})
        tuner = _Tuner(subject.point, job, baselines, gpu, seed)
        try:
            yield tuner.measure
        finally:
            tuner.close()


class _Tuner:
    def __init__(self, point: definition.Point, job: Job, baselines: Baselines, gpu: Gpu | None, seed: int) -> None:
        self._point, self._job = point, job
        self._baselines, self._gpu, self._seed = baselines, gpu, seed
        self._stack = ExitStack()
        self._builder: Bench | None = None
        self._arena: Arena | None = None

    def measure(self, point: Point, repeats: int) -> Measurement:
        """See `harness.sweep.search.Measure`; the samples are speed-ups, one for each round of a block."""
        try:
            return self._measured(dict(point.values), repeats)
        except KernelFault as fault:
            self.close()
            return Measurement(status=str(fault.status), why=fault.why)

    def _measured(self, configuration: Configuration, repeats: int) -> Measurement:
        job = dataclasses.replace(self._job, configuration=dict(configuration))
        cache = job.folder.with_name("cache")
        built = dataclasses.replace(job, folder=job.folder.with_name("building"))
        if self._builder is None:
            self._baselines.start()
            self._builder = self._stack.enter_context(stand_of(built, self._baselines.index, "building", cache))
        build_kernel(built, self._builder, (self._point,))
        if self._arena is None:
            bench = self._stack.enter_context(stand_of(job, self._baselines.index, "kernel", cache))
            self._arena = open_arena(job, bench, self._baselines, gpu=self._gpu, seed=self._seed)
        arena = dataclasses.replace(self._arena, job=job)
        survey = survey_of(arena, self._point)
        found = duel(arena, self._point, survey, rounds=repeats)
        rounds = Rounds(kernel=tuple(found.kernel), baseline=tuple(found.baseline))
        return Measurement(
            samples=tuple(rounds.ratios),
            detail={"kernel_ms": rounds.kernel_ms, "baseline_ms": rounds.baseline_ms, "fastest": survey.fastest},
        )

    def close(self) -> None:
        """End both stands; what was compiled stays until the end."""
        self._builder = self._arena = None
        self._stack.close()
