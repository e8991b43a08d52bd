"""Arena: the two stands of one kernel's measurement, how they are set up, and whose fault it is when one fails."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.core.digest import derive_seed
from harness.core.errors import InfraError
from harness.core.evidence import clip
from harness.core.status import Status
from harness.lanes.kernel.bench import STARTING, Bench, StandFault
from harness.lanes.kernel.definition import Point
from harness.lanes.kernel.gpu import Gpu
from harness.lanes.kernel.job import Job, failed
from harness.lanes.kernel.measurement import Ceilings
from harness.lanes.kernel.nursery import Outcome
from harness.lanes.kernel.question import Question

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
    """The two stands of a kernel's measurement, and what the device can do."""

    job: Job
    kernel: Bench
    baseline: Bench
    index: int
    gpu: Gpu | None
    ceilings: Ceilings
    rng: random.Random

    @property
    def device(self) -> str:
        """As torch names it."""
        return "cpu" if self.index == CPU else f"cuda:{self.index}"

    def ask_kernel(self, do: str, **named: Any) -> dict[str, Any]:
        """Ask the stand with the kernel; what goes wrong there is the kernel's.

        Raises:
            KernelFault: if it fails.
        """
        return _ask_kernel(self.job, self.kernel, do, **named)

    def ask_baseline(self, do: str, **named: Any) -> dict[str, Any]:
        """Ask the stand with a baseline.

        Raises:
            StandFault: if it fails, as a backend may that does not support a shape.
        """
        return self.baseline.ask(do, timeout=max(self.job.timeout, STARTING), **named)


def _ask_kernel(job: Job, bench: Bench, do: str, **named: Any) -> dict[str, Any]:
    try:
        return bench.ask(do, timeout=job.timeout, **named)
    except StandFault as fault:
        late = fault.code is None and not fault.note
        outcome = Outcome(code=None if late else fault.code or 0, seconds=0.0, said=bench.said)
        status, why = failed(outcome, job.folder, job) or (Status.CRASH, f"its process ended at {do!r}")
        raise KernelFault(Status.MEMORY if "out of memory" in why else status, why) from None


def build_kernel(job: Job, index: int, points: Sequence[Point]) -> None:
    """Call the kernel once at every size in a process that may start the assembler, to have all of it compiled.

    Raises:
        KernelFault: what it did wrong.
    """
    (job.folder / "kernel.py").write_bytes(job.source)
    with Bench(job.folder, index=index, part="building", cache=_beside(job, "cache")) as bench:
        _ask_kernel(job, bench, "load", entry=job.definition.entry)
        for question in job.questions:
            plan = question.plan(job.definition)
            _ask_kernel(job, bench, "ask", plan=plan, name="built", configuration=job.configuration)
        for point in points:
            plan = Question("target", point, "normal", 1).plan(job.definition)
            _ask_kernel(job, bench, "prepare", plans=[plan], warm=plan, first=False, configuration=job.configuration)
            _ask_kernel(job, bench, "release")
    shutil.rmtree(job.folder / "out", ignore_errors=True)


def _beside(job: Job, name: str) -> Path:
    folder = job.folder.with_name(f"{job.folder.name}-{name}")
    folder.mkdir(exist_ok=True)
    return folder


@contextmanager
def stands(job: Job, index: int) -> Iterator[tuple[Bench, Bench]]:
    """The stand with the kernel, which can compile nothing any more, and the one with the baselines."""
    cache, place = _beside(job, "cache"), _beside(job, "baseline")
    try:
        with (
            Bench(job.folder, index=index, part="kernel", cache=cache) as kernel,
            Bench(place, index=index, part="baseline", cache=place / "home" / "triton") as baseline,
        ):
            yield kernel, baseline
    finally:
        for folder in (cache, place):
            shutil.rmtree(folder, ignore_errors=True)


def open_arena(job: Job, benches: tuple[Bench, Bench], *, index: int, gpu: Gpu | None, seed: int) -> Arena:
    """Find out what the device can do today.

    Args:
        job: The kernel.
        benches: The stand with the kernel and the one with the baselines.
        index: The device, as CUDA counts.
        gpu: What `nvidia-smi` knows of it.
        seed: Where the seeds of timed calls come from.

    Raises:
        InfraError: if the device cannot be used.
    """
    kernel, baseline = benches
    precisions = sorted({point.dtype for point in job.definition.targets})
    try:
        described = baseline.ask("describe", timeout=STARTING)
        found = baseline.ask("ceilings", timeout=STARTING, precisions=precisions)
    except StandFault as fault:
        raise InfraError(f"the device cannot be used: {fault}; {baseline.said}", where=str(index)) from fault
    ceilings = Ceilings(bytes_per_s=found["bytes_per_s"], tflops=found["tflops"], l2_bytes=described["l2_bytes"])
    rng = random.Random(derive_seed(seed, "timed"))  # noqa: S311 - the seed is the secret
    return Arena(job, kernel, baseline, index, gpu, ceilings, rng)
