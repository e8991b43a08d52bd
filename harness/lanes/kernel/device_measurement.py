"""Measuring: a kernel on a device, judged and timed against every baseline, in turn with the fastest.

Two stands: one holds the kernel and is confined, the other the baselines, so that nothing the kernel does slows or
helps what it is compared with. While one is timed the other waits. Each timed call has inputs of its own. The baselines
stay as long as a session lasts, a kernel's stand as long as the kernel is measured.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from harness.core.clip import clip
from harness.core.errors import InfraError
from harness.core.evidence import Evidence
from harness.core.status import Status
from harness.core.tier import Tier
from harness.lane.context import Context
from harness.lanes.kernel.baselines import Baselines
from harness.lanes.kernel.correctness import collect, judge_answers
from harness.lanes.kernel.device_session import Arena, KernelFault, build_kernel, open_arena, stand_of
from harness.lanes.kernel.gpu import Gpu, list_gpus, own_gpu
from harness.lanes.kernel.job import Job
from harness.lanes.kernel.library_operators import library_kernels
from harness.lanes.kernel.measurement import Measurement
from harness.lanes.kernel.paired_rounds import race
from harness.lanes.kernel.question import Question
from harness.lanes.kernel.trace_items import Performance
from harness.timing.lock import machine_lock


@contextmanager
def session(folder: Path, *, index: int | None = None) -> Iterator[tuple[Baselines, Gpu | None]]:
    """This process's device, held alone, and the baselines on it.

    Args:
        folder: For the baselines' files.
        index: A device to use instead, -1 for the CPU (which tests the path, and measures nothing of interest).

    Raises:
        InfraError: if there is no device, or it cannot be had alone.
    """
    if index is not None:
        with Baselines(folder, index=index) as baselines:
            yield baselines, None
        return
    gpu = own_gpu(list_gpus())
    with machine_lock(f"gpu-{gpu.uuid}").exclusive() as hold:
        if hold.problem:
            raise InfraError(f"{gpu.name} could not be had alone: {hold.problem}", where=gpu.uuid)
        with Baselines(folder, index=gpu.index) as baselines:
            yield baselines, gpu


def measure(job: Job, context: Context, *, step: str, index: int | None = None) -> Evidence:
    """Ask and time a kernel on this process's device, in a session of its own.

    Args:
        job: The kernel; its questions are asked, its definition's targets timed.
        context: For progress.
        step: What the trace calls the kernel.
        index: As `session`.
    """
    with session(job.folder.with_name(f"{job.folder.name}-baselines"), index=index) as (baselines, gpu):
        return measure_kernel(job, baselines, gpu, context, step=step)


def measure_kernel(job: Job, baselines: Baselines, gpu: Gpu | None, context: Context, *, step: str) -> Evidence:
    """Ask and time a kernel within a session."""
    facts: dict[str, Any] = {}
    environment = {"gpu": gpu.name, "gpu_uuid": gpu.uuid, "driver": gpu.driver} if gpu else {}
    baselines.start()
    cache = job.folder.with_name(f"{job.folder.name}-cache")
    try:
        context.progress(f"{step}: building")
        with stand_of(job, baselines.index, "building", cache) as bench:
            build_kernel(job, bench, job.definition.targets)
        with stand_of(job, baselines.index, "kernel", cache) as bench:
            described = baselines.describe()
            named = ("cuda", "cudnn", "capability")
            environment |= {name: str(described[name]) for name in named if described.get(name)}
            arena = open_arena(job, bench, baselines, gpu=gpu, seed=job.questions[0].seed)
            facts |= {"ceilings": arena.ceilings.to_wire(), "device": described["name"]}
            found = _measured(arena, context, step, facts)
    except KernelFault as fault:
        return Evidence(status=fault.status, why=fault.why, tier=Tier.D, facts=facts, environment=environment)
    finally:
        shutil.rmtree(cache, ignore_errors=True)
    return found.model_copy(update={"environment": environment})


def _measured(arena: Arena, context: Context, step: str, facts: dict[str, Any]) -> Evidence:
    evidence = _answers(arena, facts)
    if evidence.status is not Status.OK:
        return evidence
    _check_names(arena, evidence.facts)
    measured = []
    for point in arena.job.definition.targets:
        context.progress(f"{step}: {point.label}")
        measured.append(race(arena, point))
    status, why = _verdict(arena.job, measured)
    peaks = [one.peak_mb for one in measured if one.peak_mb is not None]
    return evidence.model_copy(
        update={
            "status": status,
            "why": why,
            "facts": {**evidence.facts, "confinement": list(arena.kernel.layers), **_told(measured, step)},
            "median_ms": max(one.kernel_ms for one in measured),
            "peak_mb": max(peaks) if peaks else None,
        }
    )


def _told(measured: list[Measurement], step: str) -> dict[str, Any]:
    """Facts and trace items of measurements."""
    targets = [one.to_wire() for one in measured]
    trace = [
        Performance(
            step_name=step,
            point=one.target,
            latency_ms=one.kernel_ms,
            tflops=one.tflops,
            speedup=one.speedup,
            dram_throughput=one.gb_per_s,
            efficiency=one.light,
        ).to_wire()
        for one in measured
    ]
    noisy = [one.target for one in measured if one.speedup is None]
    return {
        "targets": targets,
        "trace": trace,
        "call_ms": max(one.kernel_ms for one in measured),
        "unmeasured": f"too noisy at {', '.join(noisy)}" if noisy else "",
    }


def _verdict(job: Job, measured: list[Measurement]) -> tuple[Status, str]:
    above = job.definition.review_above
    for one in measured:
        if one.speedup is not None and above is not None and one.speedup > above:
            told = f"{one.speedup:.2f}x of {one.fastest} at {one.target}"
            why = f"{told}: beyond {above:g}x of a library's own operation a person looks"
            return Status.REVIEW, clip(why)
    return Status.OK, ""


def _answers(arena: Arena, facts: dict[str, Any]) -> Evidence:
    """Ask every question as often as there are attempts, and judge."""
    job = arena.job
    plans = [question.plan(job.definition) for question in job.questions]
    notes: dict[str, list[Any]] = {"operators": [], "changed": []}
    answers = []
    for attempt in range(job.attempts):
        for index in arena.rng.sample(range(len(plans)), len(plans)):
            reply = arena.ask_kernel(
                "ask", plan=plans[index], name=f"{attempt}-{index}", configuration=job.configuration
            )
            for name, noted in notes.items():
                noted.extend(one for one in _texts(reply.get(name)) if one not in noted)
        answers.append([collect(job, plans[index], f"{attempt}-{index}") for index in range(len(plans))])
    return judge_answers(job, plans, answers, notes=notes, facts=facts, device=arena.device)


def _check_names(arena: Arena, facts: dict[str, Any]) -> None:
    """What really ran on the device, by the driver's own account."""
    job = arena.job
    plan = Question("target", job.definition.targets[0], "normal", arena.rng.getrandbits(60)).plan(job.definition)
    reply = arena.ask_kernel("names", plan=plan, configuration=job.configuration)
    if reply.get("names") is None:
        facts["device_kernels"] = "not known: the driver's profiler sees nothing here"
        return
    names = _texts(reply["names"])
    facts["device_kernels"] = names
    foreign = library_kernels(names, operators=bool(job.definition.operators))
    if foreign and not job.library:
        raise KernelFault(Status.FORBIDDEN, f"it runs the library's own kernels: {', '.join(foreign[:3])}")


def _texts(value: object) -> list[str]:
    """Names that a kernel's process reports."""
    return [clip(str(one), limit=120) for one in value[:50]] if isinstance(value, list) else []
