"""Device session: a kernel's device worker, the baselines' worker and the device's ceilings; assigns faults."""

from __future__ import annotations

import functools
import random
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from harness.core.clip import clip
from harness.core.digest import derive_seed
from harness.core.status import Status
from harness.lane.json_worker import WorkerFault
from harness.lanes.kernel.architecture import ARCHITECTURES
from harness.lanes.kernel.baselines import Baselines
from harness.lanes.kernel.definition import Point
from harness.lanes.kernel.device_client import START_SECONDS, DeviceClient
from harness.lanes.kernel.gpu import Gpu
from harness.lanes.kernel.job import Job, process_fault
from harness.lanes.kernel.measurement import Ceilings
from harness.lanes.kernel.question import Question
from harness.lanes.kernel.recording import record
from harness.lanes.kernel.warm_processes import Outcome

Ask = Callable[..., dict[str, Any]]


class KernelFault(Exception):  # noqa: N818 - a kernel's fault is data
    """A fault of a kernel while it was measured."""

    def __init__(self, status: Status, why: str) -> None:
        super().__init__(why)
        self.status, self.why = status, clip(why)


@dataclass(slots=True)
class DeviceSession:
    """A kernel's device worker, the baselines' worker, and the device's ceilings."""

    job: Job
    ask_kernel: Ask
    """Asks the kernel's device worker for one thing; a fault there is a `KernelFault`."""
    baselines: Baselines
    gpu: Gpu | None
    ceilings: Ceilings
    rng: random.Random
    described: dict[str, Any]
    """The device, for the recorder."""

    def plans(self, point: Point, count: int) -> list[dict[str, Any]]:
        """Plans of calls at a target, with new secret seeds."""
        seeds = [self.rng.getrandbits(60) for _ in range(count)]
        return [Question("target", point, "normal", seed).plan(self.job.definition) for seed in seeds]

    def record(self, plans: Sequence[dict[str, Any]]) -> list[str]:
        """What the kernel does in each call, recorded for this device.

        Raises:
            KernelFault: if it cannot be recorded.
        """
        lines, fault = record(self.job, plans, self.described)
        if fault is not None:
            raise KernelFault(*fault)
        return [line.decode("utf-8", "replace") for line in lines]


def open_session(job: Job, ask_kernel: Ask, baselines: Baselines, *, gpu: Gpu | None, seed: int) -> DeviceSession:
    """Measure the device's ceilings and return the session.

    Args:
        ask_kernel: See `start_worker`.
        gpu: The device's description by `nvidia-smi`; None for the CPU.
        seed: The source of the seeds of timed calls.

    Raises:
        InfraError: if the device cannot be used.
    """
    rng = random.Random(derive_seed(seed, "timed"))  # noqa: S311 - the seed is the secret
    found = baselines.describe()
    major, _, minor = str(found["capability"] or "9.0").partition(".")
    capability = 10 * int(major) + int(minor)
    # The newest architecture that is not newer than the device.
    known = sorted((one.capability, one.name) for one in ARCHITECTURES.values() if one.capability <= capability)
    described = {"architecture": known[-1][1] if known else "sm_80", "processors": found["processors"]}
    if gpu is not None:
        described["name"] = found["name"]
    return DeviceSession(job, ask_kernel, baselines, gpu, baselines.ceilings(job.definition), rng, described)


@contextmanager
def start_worker(job: Job, index: int) -> Iterator[Ask]:
    """Start a device worker and load the job's kernel; gives the function that asks it.

    Args:
        job: The kernel, in a folder that only this worker uses; its output there is deleted when the worker ends.
        index: The device, as CUDA counts.

    Raises:
        KernelFault: if the kernel cannot be loaded.
    """
    job.folder.mkdir(parents=True, exist_ok=True)
    (job.folder / "kernel.py").write_bytes(job.source)
    try:
        with DeviceClient(job.folder, index=index) as client:
            ask = functools.partial(_ask_kernel, job, client)
            ask("load", operators=job.definition.operators, library=job.library)
            yield ask
    finally:
        shutil.rmtree(job.folder / "out", ignore_errors=True)


def _ask_kernel(job: Job, client: DeviceClient, do: str, **named: Any) -> dict[str, Any]:
    """Ask a device worker that holds a kernel for one thing.

    Raises:
        KernelFault: if it fails, ends or is late.
    """
    try:
        return client.do(do, timeout=max(job.timeout, START_SECONDS if do == "load" else 0), **named)
    except WorkerFault as fault:
        outcome = Outcome(code=None if fault.is_late else fault.code or 0, seconds=0.0, last_error=client.last_error)
        status, why = process_fault(outcome, job.folder, job) or (Status.CRASH, f"its process ended at {do!r}")
        raise KernelFault(Status.MEMORY if "out of memory" in why else status, why) from None
