"""Measuring: a kernel on a device, judged and timed against every baseline, in turn with the fastest.

Two stands: one holds the kernel and is confined, the other the baselines, so that nothing the kernel does slows or
helps what it is compared with. While one is timed the other waits. Each timed call has inputs of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.context import Context
from harness.core.errors import InfraError
from harness.core.evidence import Evidence, clip
from harness.core.status import Status
from harness.core.tier import Tier
from harness.lanes.kernel.arena import CPU, Arena, KernelFault, build_kernel, open_arena, stands
from harness.lanes.kernel.compute import collect, judge_answers
from harness.lanes.kernel.definition import Point
from harness.lanes.kernel.gpu import Gpu, list_gpus, own_gpu
from harness.lanes.kernel.job import Job
from harness.lanes.kernel.library import library_kernels
from harness.lanes.kernel.measurement import Measurement
from harness.lanes.kernel.question import Question
from harness.lanes.kernel.racing import race
from harness.lanes.kernel.trace import Performance
from harness.timing.lock import turnstile


def measure(job: Job, context: Context, *, step: str, index: int | None = None) -> Evidence:
    """Ask and time a kernel on this process's device.

    Args:
        job: The kernel; its questions are asked, its definition's targets timed.
        context: For progress.
        step: What the trace calls the kernel.
        index: A device to use instead, -1 for the CPU (which tests the path, and measures nothing of interest).
    """
    gpu = own_gpu(list_gpus()) if index is None else None
    if gpu is None:
        return _measure(job, CPU if index is None else index, None, context, step)
    with turnstile(f"gpu-{gpu.uuid}").exclusive() as hold:
        if hold.problem:
            raise InfraError(f"{gpu.name} could not be had alone: {hold.problem}", where=gpu.uuid)
        return _measure(job, gpu.index, gpu, context, step)


def measure_points(job: Job, points: Sequence[Point], *, index: int, gpu: Gpu | None, seed: int) -> list[Measurement]:
    """Time one kernel at some points, checking timed outputs; who calls holds the device.

    Raises:
        KernelFault: what the kernel did wrong.
    """
    build_kernel(job, index, points)
    with stands(job, index) as benches:
        arena = open_arena(job, benches, index=index, gpu=gpu, seed=seed)
        arena.ask_kernel("load", entry=job.definition.entry)
        return [race(arena, point) for point in points]


def _measure(job: Job, index: int, gpu: Gpu | None, context: Context, step: str) -> Evidence:
    facts: dict[str, Any] = {}
    environment = {"gpu": gpu.name, "gpu_uuid": gpu.uuid, "driver": gpu.driver} if gpu else {}
    try:
        build_kernel(job, index, job.definition.targets)
    except KernelFault as fault:
        return Evidence(status=fault.status, why=fault.why, tier=Tier.D, facts=facts, environment=environment)
    with stands(job, index) as benches:
        arena = open_arena(job, benches, index=index, gpu=gpu, seed=job.questions[0].seed)
        described = arena.ask_baseline("describe")
        environment |= {name: str(described[name]) for name in ("cuda", "cudnn", "capability") if described.get(name)}
        facts |= {"ceilings": arena.ceilings.to_wire(), "device": described["name"]}
        try:
            arena.ask_kernel("load", entry=job.definition.entry)
            evidence = _answers(arena, facts)
            if evidence.status is not Status.OK:
                return evidence.model_copy(update={"environment": environment})
            _check_names(arena, evidence.facts)
            measured = []
            for point in job.definition.targets:
                context.progress(f"{step}: {point.label}")
                measured.append(race(arena, point))
        except KernelFault as fault:
            return Evidence(status=fault.status, why=fault.why, tier=Tier.D, facts=facts, environment=environment)
        found = {**evidence.facts, "confinement": list(arena.kernel.layers), **_told(measured, step)}
        status, why = _verdict(job, measured)
    peaks = [one.peak_mb for one in measured if one.peak_mb is not None]
    return evidence.model_copy(
        update={
            "status": status,
            "why": why,
            "facts": found,
            "environment": environment,
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
    names = _texts(arena.ask_kernel("names", plan=plan, configuration=job.configuration).get("names"))
    facts["device_kernels"] = names
    foreign = library_kernels(names, operators=bool(job.definition.operators))
    if foreign and not job.library:
        raise KernelFault(Status.FORBIDDEN, f"it runs the library's own kernels: {', '.join(foreign[:3])}")


def _texts(value: object) -> list[str]:
    """Names that a kernel's process reports."""
    return [clip(str(one), limit=120) for one in value[:50]] if isinstance(value, list) else []
