"""Arena: where a kernel meets the baselines: the stands it is built and judged in, and whose fault a failure is."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.core.clip import clip
from harness.core.digest import derive_seed
from harness.core.status import Status
from harness.lanes.kernel.baselines import Baselines
from harness.lanes.kernel.definition import Point
from harness.lanes.kernel.device_client import STARTING, Bench, Part, StandFault
from harness.lanes.kernel.gpu import Gpu
from harness.lanes.kernel.job import Job, failed
from harness.lanes.kernel.measurement import Ceilings
from harness.lanes.kernel.question import Question
from harness.lanes.kernel.warm_processes import Outcome

CPU = -1
"""The index that means no device: the path is the same, what is measured is of no interest."""


class KernelFault(Exception):  # noqa: N818 - a kernel's fault is data, no error of ours
    """What a kernel did wrong while it was measured.

    Attributes:
        status: What that makes of it.
        why: One sentence.
    """

    def __init__(self, status: Status, why: str) -> None:
        super().__init__(why)
        self.status, self.why = status, clip(why)


@dataclass(slots=True)
class Arena:
    """A kernel's stand, the baselines', and what the device can do."""

    job: Job
    kernel: Bench
    baselines: Baselines
    gpu: Gpu | None
    ceilings: Ceilings
    rng: random.Random

    @property
    def device(self) -> str:
        """As torch names it."""
        return "cpu" if self.baselines.index == CPU else f"cuda:{self.baselines.index}"

    def ask_kernel(self, do: str, **named: Any) -> dict[str, Any]:
        """Ask the stand with the kernel; what goes wrong there is the kernel's.

        Raises:
            KernelFault: if it fails.
        """
        return ask_kernel(self.job, self.kernel, do, **named)

    def plans(self, point: Point, count: int) -> list[dict[str, Any]]:
        """Plans of calls at a target; nobody has seen their seeds."""
        seeds = [self.rng.getrandbits(60) for _ in range(count)]
        return [Question("target", point, "normal", seed).plan(self.job.definition) for seed in seeds]


def open_arena(job: Job, kernel: Bench, baselines: Baselines, *, gpu: Gpu | None, seed: int) -> Arena:
    """Find out what the device can do today.

    Args:
        job: The kernel.
        kernel: Its stand.
        baselines: The stand with the baselines.
        gpu: What `nvidia-smi` knows of the device.
        seed: Where the seeds of timed calls come from.

    Raises:
        InfraError: if the device cannot be used.
    """
    rng = random.Random(derive_seed(seed, "timed"))  # noqa: S311 - the seed is the secret
    return Arena(job, kernel, baselines, gpu, baselines.ceilings(job.definition), rng)


def ask_kernel(job: Job, bench: Bench, do: str, **named: Any) -> dict[str, Any]:
    """Ask a stand with a kernel for one thing.

    Raises:
        KernelFault: if it fails, ends or is late.
    """
    try:
        return bench.ask(do, timeout=job.timeout, **named)
    except StandFault as fault:
        late = fault.code is None and not fault.note
        outcome = Outcome(code=None if late else fault.code or 0, seconds=0.0, said=bench.said)
        status, why = failed(outcome, job.folder, job) or (Status.CRASH, f"its process ended at {do!r}")
        raise KernelFault(Status.MEMORY if "out of memory" in why else status, why) from None


@contextmanager
def stand_of(job: Job, index: int, part: Part, cache: Path) -> Iterator[Bench]:
    """A stand with the job's kernel loaded: one that may compile (`building`), or the one that is judged (`kernel`).

    Args:
        job: The kernel, in a folder that is the stand's alone; what it leaves there does not outlive the stand.
        index: The device, as CUDA counts.
        part: Which of the two.
        cache: Compiled kernels: what the one writes, the other reads.

    Raises:
        KernelFault: if the kernel cannot be loaded.
    """
    for folder in (job.folder, cache):
        folder.mkdir(parents=True, exist_ok=True)
    (job.folder / "kernel.py").write_bytes(job.source)
    try:
        with _started(job.folder, index, part, cache) as bench:
            ask_kernel(job, bench, "load", entry=job.definition.entry)
            yield bench
    finally:
        shutil.rmtree(job.folder / "out", ignore_errors=True)


_unfiltered: list[str] = []
"""Why kernels' stands run without a filter of system calls in this process; empty as long as they do not."""


def _started(folder: Path, index: int, part: Part, cache: Path) -> Bench:
    """A stand that works before anything hostile is in it: the driver may need what the filter takes away."""
    if part != "kernel":
        return Bench(folder, index=index, part=part, cache=cache)
    if not _unfiltered:
        bench = Bench(folder, index=index, part="kernel", cache=cache)
        try:
            bench.ask("check", timeout=STARTING)
        except StandFault as fault:
            bench.close()
            _unfiltered.append(f"{fault}; {bench.said}")
        else:
            return bench
    return Bench(folder, index=index, part="unfiltered", cache=cache)


def build_kernel(job: Job, bench: Bench, points: Sequence[Point]) -> None:
    """Call the kernel once at every size, to have all of it compiled.

    Raises:
        KernelFault: what it did wrong.
    """
    for question in job.questions:
        plan = question.plan(job.definition)
        ask_kernel(job, bench, "ask", plan=plan, name="built", configuration=job.configuration)
    for point in points:
        plan = Question("target", point, "normal", 1).plan(job.definition)
        ask_kernel(job, bench, "prepare", plans=[plan], warm=plan, first=False, configuration=job.configuration)
        ask_kernel(job, bench, "release")
