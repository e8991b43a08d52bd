"""Device measurement: check a kernel's answers on a device, then time it in alternation with the fastest baseline.

Two device workers are used: one runs the kernel's plans, the other the baselines, so that a kernel that spoils its
context of the device cannot slow down what it is compared with. While one is timed the other waits. Each timed call has
different inputs. The baselines' worker lives as long as the device is held, a kernel's as long as it is measured.
"""

from __future__ import annotations

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
from harness.lanes.kernel.correctness import OVERHEAD, evaluate_answers, find_answer
from harness.lanes.kernel.device_session import DeviceSession, KernelFault, open_session, start_worker
from harness.lanes.kernel.gpu import Gpu, list_gpus, own_gpu
from harness.lanes.kernel.job import Job
from harness.lanes.kernel.measurement import Measurement
from harness.lanes.kernel.paired_rounds import measure_point
from harness.lanes.kernel.trace_items import Performance
from harness.timing.lock import machine_lock


@contextmanager
def hold_device(folder: Path, *, index: int | None = None) -> Iterator[tuple[Baselines, Gpu | None]]:
    """Lock this process's device and open the baselines on it.

    Args:
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
    try:
        context.progress(f"{step}: compiling")
        with start_worker(job, baselines.index) as ask_kernel:
            described = baselines.describe()
            named = ("cuda", "cudnn", "capability")
            environment |= {name: str(described[name]) for name in named if described.get(name)}
            session = open_session(job, ask_kernel, baselines, gpu=gpu, seed=job.questions[0].seed)
            facts |= {"ceilings": session.ceilings.to_wire(), "device": described["name"]}
            found = _measured(session, context, step, facts)
    except KernelFault as fault:
        return Evidence(status=fault.status, why=fault.why, tier=Tier.D, facts=facts, environment=environment)
    return found.model_copy(update={"environment": environment})


def _measured(session: DeviceSession, context: Context, step: str, facts: dict[str, Any]) -> Evidence:
    evidence = _answers(session, facts)
    if evidence.status is not Status.OK:
        return evidence
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
            "facts": {**evidence.facts, **_facts(measured, step)},
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
    lines = session.record(plans)
    answers = []
    for attempt in range(job.attempts):
        for index in session.rng.sample(range(len(plans)), len(plans)):
            asked = {"plan": plans[index], "line": lines[index], "choice": index, "name": f"{attempt}-{index}"}
            session.ask_kernel("ask", **asked)
        answers.append([find_answer(job, f"{attempt}-{index}") for index in range(len(plans))])
    return evaluate_answers(
        job, plans, answers, facts=facts | {"launch_overhead": OVERHEAD}, ask=session.baselines.compare
    )
