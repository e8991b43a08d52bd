"""Device measurement: check a kernel's answers on a device, then time it in alternation with the fastest baseline.

Two device workers are used: one holds the kernel and is confined, the other holds the baselines, so that the kernel
cannot slow down what it is compared with. While one is timed the other waits. Each timed call has different inputs. The
baselines' worker lives as long as the device is held, a kernel's worker as long as the kernel is measured.
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
from harness.lanes.kernel.correctness import evaluate_answers, find_answer
from harness.lanes.kernel.device_session import DeviceSession, KernelFault, build_kernel, open_session, start_worker
from harness.lanes.kernel.gpu import Gpu, list_gpus, own_gpu
from harness.lanes.kernel.job import Job
from harness.lanes.kernel.library_operators import library_kernels
from harness.lanes.kernel.measurement import Measurement
from harness.lanes.kernel.paired_rounds import measure_point
from harness.lanes.kernel.question import Question
from harness.lanes.kernel.trace_items import Performance
from harness.timing.lock import machine_lock


@contextmanager
def hold_device(folder: Path, *, index: int | None = None) -> Iterator[tuple[Baselines, Gpu | None]]:
    """Lock this process's device and open the baselines on it.

    Args:
        folder: For the baselines' files.
        index: Another device without a lock; -1 is the CPU (for tests of the path: its times mean nothing).

    Raises:
        InfraError: if there is no device, or it cannot be locked.
    """
    if index is not None:
        with Baselines(folder, index=index) as baselines:
            yield baselines, None
        return
    gpu = own_gpu(list_gpus())
    with machine_lock(f"gpu-{gpu.uuid}").exclusive() as hold:
        if hold.problem:
            raise InfraError(f"{gpu.name} could not be locked: {hold.problem}", where=gpu.uuid)
        with Baselines(folder, index=gpu.index) as baselines:
            yield baselines, gpu


def measure(job: Job, context: Context, *, step: str, index: int | None = None) -> Evidence:
    """Check and time a kernel on this process's device, which is held for this call only.

    Args:
        job: The kernel; its questions are asked, and its definition's targets timed.
        context: Receives progress messages.
        step: The kernel's name in the trace.
        index: See `hold_device`.
    """
    with hold_device(job.folder.with_name(f"{job.folder.name}-baselines"), index=index) as (baselines, gpu):
        return measure_kernel(job, baselines, gpu, context, step=step)


def measure_kernel(job: Job, baselines: Baselines, gpu: Gpu | None, context: Context, *, step: str) -> Evidence:
    """Check and time a kernel on a device that is held; faults of the kernel become evidence."""
    facts: dict[str, Any] = {}
    environment = {"gpu": gpu.name, "gpu_uuid": gpu.uuid, "driver": gpu.driver} if gpu else {}
    baselines.start()
    cache = job.folder.with_name(f"{job.folder.name}-cache")
    try:
        context.progress(f"{step}: compiling")
        with start_worker(job, baselines.index, "compile", cache) as client:
            build_kernel(job, client, job.definition.targets)
        with start_worker(job, baselines.index, "kernel", cache) as client:
            described = baselines.describe()
            named = ("cuda", "cudnn", "capability")
            environment |= {name: str(described[name]) for name in named if described.get(name)}
            session = open_session(job, client, baselines, gpu=gpu, seed=job.questions[0].seed)
            facts |= {"ceilings": session.ceilings.to_wire(), "device": described["name"]}
            found = _measured(session, context, step, facts)
    except KernelFault as fault:
        return Evidence(status=fault.status, why=fault.why, tier=Tier.D, facts=facts, environment=environment)
    finally:
        shutil.rmtree(cache, ignore_errors=True)
    return found.model_copy(update={"environment": environment})


def _measured(session: DeviceSession, context: Context, step: str, facts: dict[str, Any]) -> Evidence:
    evidence = _answers(session, facts)
    if evidence.status is not Status.OK:
        return evidence
    _check_names(session, evidence.facts)
    measured = []
    for point in session.job.definition.targets:
        context.progress(f"{step}: {point.label}")
        measured.append(measure_point(session, point))
    status, why = _verdict(session.job, measured)
    peaks = [one.peak_mb for one in measured if one.peak_mb is not None]
    return evidence.model_copy(
        update={
            "status": status,
            "why": why,
            "facts": {**evidence.facts, "confinement": list(session.kernel.layers), **_facts(measured, step)},
            "median_ms": max(one.kernel_ms for one in measured),
            "peak_mb": max(peaks) if peaks else None,
        }
    )


def _facts(measured: list[Measurement], step: str) -> dict[str, Any]:
    """Facts and trace items of the measurements."""
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
            observed = f"{one.speedup:.2f}x of {one.fastest} at {one.target}"
            why = f"{observed}: more than {above:g}x of a library's own operation needs review"
            return Status.REVIEW, clip(why)
    return Status.OK, ""


def _answers(session: DeviceSession, facts: dict[str, Any]) -> Evidence:
    """Ask every question in each attempt, in random order, and evaluate the answers."""
    job = session.job
    plans = [question.plan(job.definition) for question in job.questions]
    notes: dict[str, list[Any]] = {"operators": [], "changed": []}
    answers = []
    for attempt in range(job.attempts):
        for index in session.rng.sample(range(len(plans)), len(plans)):
            reply = session.ask_kernel(
                "ask", plan=plans[index], name=f"{attempt}-{index}", configuration=job.configuration
            )
            for name, noted in notes.items():
                noted.extend(one for one in _strings(reply.get(name)) if one not in noted)
        answers.append([find_answer(job, plans[index], f"{attempt}-{index}") for index in range(len(plans))])
    return evaluate_answers(job, plans, answers, notes=notes, facts=facts, device=session.device)


def _check_names(session: DeviceSession, facts: dict[str, Any]) -> None:
    """Check the names of the device kernels that a call runs, as the driver's profiler reports them."""
    job = session.job
    plan = Question("target", job.definition.targets[0], "normal", session.rng.getrandbits(60)).plan(job.definition)
    reply = session.ask_kernel("names", plan=plan, configuration=job.configuration)
    if reply.get("names") is None:
        facts["device_kernels"] = "not known: the driver's profiler sees nothing here"
        return
    names = _strings(reply["names"])
    facts["device_kernels"] = names
    foreign = library_kernels(names, operators=bool(job.definition.operators))
    if foreign and not job.library:
        raise KernelFault(Status.FORBIDDEN, f"it runs the library's own kernels: {', '.join(foreign[:3])}")


def _strings(value: object) -> list[str]:
    """At most 50 names of a list that a kernel's process reports, shortened."""
    return [clip(str(one), limit=120) for one in value[:50]] if isinstance(value, list) else []
