"""Tuning: one configuration's time on a device, right and in turn with the fastest baseline, as a sweep wants it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.core.errors import InfraError
from harness.lanes.kernel.arena import KernelFault
from harness.lanes.kernel.gpu import list_gpus, own_gpu
from harness.lanes.kernel.job import Job
from harness.lanes.kernel.kernel_file import Configuration
from harness.lanes.kernel.measuring import measure_points
from harness.lanes.kernel.nursery import Nursery
from harness.lanes.kernel.sweep import Measure, Subject, Timing
from harness.timing.lock import turnstile

CPU = -1
_SECONDS = 120.0


@contextmanager
def measurer(nursery: Nursery, *, seed: int, index: int | None = None) -> Iterator[Measure]:
    """Something that times configurations on this process's device, which is held as long as the block lasts.

    Args:
        nursery: The warm processes of the lane.
        seed: Where inputs come from.
        index: A device to use instead; -1 is the CPU, which tests the way there and measures nothing of interest.

    Raises:
        InfraError: if there is no device, or it cannot be had alone.
    """
    gpu = own_gpu(list_gpus()) if index is None else None
    number = gpu.index if gpu is not None else CPU if index is None else index

    def measure(subject: Subject, configuration: Configuration) -> Timing:
        with tempfile.TemporaryDirectory(prefix="crucible-tuning-") as folder:
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
            try:
                (found,) = measure_points(job, (subject.point,), index=number, gpu=gpu, seed=seed)
            except KernelFault as fault:
                return Timing(seconds=0.0, why=f"{fault.status}: {fault.why}")
        low, high = found.interval or (None, None)
        return Timing(seconds=found.kernel_ms / 1000, speedup=found.speedup, low=low, high=high)

    if gpu is None:
        yield measure
        return
    with turnstile(f"gpu-{gpu.uuid}").exclusive() as hold:
        if hold.problem:
            raise InfraError(f"{gpu.name} could not be had alone: {hold.problem}", where=gpu.uuid)
        yield measure
