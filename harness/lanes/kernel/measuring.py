"""Measuring: a kernel on a device, judged and timed against every baseline, in turn with the fastest.

Two stands: one holds the kernel and is confined, the other the baselines, so that nothing the kernel does slows or helps
what it is compared with. While one is timed the other waits. Each timed call has inputs of its own.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.context import Context
from harness.core.digest import derive_seed
from harness.core.errors import InfraError
from harness.core.evidence import Evidence, clip
from harness.core.status import Status
from harness.core.tier import Tier
from harness.lanes.kernel.arithmetic import evaluate
from harness.lanes.kernel.bench import STARTING, Bench, StandFault
from harness.lanes.kernel.compute import ask_truth, collect, judge_answers
from harness.lanes.kernel.definition import Point
from harness.lanes.kernel.gpu import Gpu, list_gpus, own_gpu, state_of
from harness.lanes.kernel.job import Job, failed
from harness.lanes.kernel.library import library_kernels
from harness.lanes.kernel.measurement import IMPOSSIBLE, Ceilings, Measurement, Rounds, summarise
from harness.lanes.kernel.nursery import Outcome
from harness.lanes.kernel.question import Question
from harness.lanes.kernel.trace import Performance
from harness.timing.lock import turnstile

ROUNDS = 6
CALLS = 10
"""Cold calls of a block; with the rounds some sixty for each side."""
_HOT_MS = 50.0
"""A hot block is made so long that two clocks can be compared."""
_MOST_HOT_CALLS = 5000
_CLOCK_RATIO, _CLOCK_SLACK_MS = 1.2, 10.0
"""By how much the parent's clock may exceed the device's events: work that the events do not see takes longer."""
_CPU = -1


class KernelFault(Exception):
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
        return "cpu" if self.index == _CPU else f"cuda:{self.index}"

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
        return _measure(job, _CPU if index is None else index, None, context, step)
    with turnstile(f"gpu-{gpu.uuid}").exclusive() as hold:
        if hold.problem:
            raise InfraError(f"{gpu.name} could not be had alone: {hold.problem}", where=gpu.uuid)
        return _measure(job, gpu.index, gpu, context, step)


def measure_points(job: Job, points: Sequence[Point], *, index: int, gpu: Gpu | None, seed: int) -> list[Measurement]:
    """Time one kernel at some points, checking timed outputs; who calls holds the device.

    Raises:
        KernelFault: what the kernel did wrong.
    """
    _build(job, index, points)
    with _stands(job, index) as (kernel, baseline):
        arena = _arena(job, kernel, baseline, index, gpu, seed)
        arena.ask_kernel("load", entry=job.definition.entry)
        return [_race(arena, point) for point in points]


def _measure(job: Job, index: int, gpu: Gpu | None, context: Context, step: str) -> Evidence:
    facts: dict[str, Any] = {}
    environment = {"gpu": gpu.name, "gpu_uuid": gpu.uuid, "driver": gpu.driver} if gpu else {}
    try:
        _build(job, index, job.definition.targets)
    except KernelFault as fault:
        return Evidence(status=fault.status, why=fault.why, tier=Tier.D, facts=facts, environment=environment)
    with _stands(job, index) as (kernel, baseline):
        arena = _arena(job, kernel, baseline, index, gpu, job.questions[0].seed)
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
                measured.append(_race(arena, point))
        except KernelFault as fault:
            return Evidence(status=fault.status, why=fault.why, tier=Tier.D, facts=facts, environment=environment)
        found = {**evidence.facts, "confinement": list(kernel.layers), **_told(measured, step)}
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
            why = f"{one.speedup:.2f}x of {one.fastest} at {one.target}: beyond {above:g}x of a library's own operation a person looks"
            return Status.REVIEW, clip(why)
    return Status.OK, ""


def _build(job: Job, index: int, points: Sequence[Point]) -> None:
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
def _stands(job: Job, index: int) -> Iterator[tuple[Bench, Bench]]:
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


def _arena(job: Job, kernel: Bench, baseline: Bench, index: int, gpu: Gpu | None, seed: int) -> Arena:
    precisions = sorted({point.dtype for point in job.definition.targets})
    try:
        described = baseline.ask("describe", timeout=STARTING)
        found = baseline.ask("ceilings", timeout=STARTING, precisions=precisions)
    except StandFault as fault:
        raise InfraError(f"the device cannot be used: {fault}; {baseline.said}", where=str(index)) from fault
    ceilings = Ceilings(bytes_per_s=found["bytes_per_s"], tflops=found["tflops"], l2_bytes=described["l2_bytes"])
    rng = random.Random(derive_seed(seed, "timed"))  # noqa: S311 - the seed is the secret
    return Arena(job, kernel, baseline, index, gpu, ceilings, rng)


def _answers(arena: Arena, facts: dict[str, Any]) -> Evidence:
    """Ask every question as often as there are attempts, and judge."""
    job = arena.job
    plans = [question.plan(job.definition) for question in job.questions]
    notes: dict[str, Any] = {"operators": [], "changed": []}
    answers = []
    for attempt in range(job.attempts):
        for index in arena.rng.sample(range(len(plans)), len(plans)):
            reply = arena.ask_kernel(
                "ask", plan=plans[index], name=f"{attempt}-{index}", configuration=job.configuration
            )
            for name in notes:
                notes[name] = [*notes[name], *(x for x in reply.get(name, ()) if x not in notes[name])]
        answers.append([collect(job, plans[index], f"{attempt}-{index}") for index in range(len(plans))])
    return judge_answers(job, plans, answers, notes=notes, facts=facts, device=arena.device)


def _check_names(arena: Arena, facts: dict[str, Any]) -> None:
    """What really ran on the device, by the driver's own account."""
    job = arena.job
    plan = Question("target", job.definition.targets[0], "normal", arena.rng.getrandbits(60)).plan(job.definition)
    names = [
        clip(str(name), limit=120)
        for name in arena.ask_kernel("names", plan=plan, configuration=job.configuration)["names"]
    ]
    facts["device_kernels"] = names
    foreign = library_kernels(names)
    if foreign and not job.library:
        raise KernelFault(Status.FORBIDDEN, f"it runs the library's own kernels: {', '.join(foreign[:3])}")


def _race(arena: Arena, point: Point) -> Measurement:
    """Time the kernel at one target, in turn with the fastest baseline."""
    job, definition = arena.job, arena.job.definition
    quick, absent = _survey(arena, point)
    fastest = min(
        (name for name, ms in quick.items() if ms is not None), key=lambda name: quick[name] or 0.0, default=""
    )
    if not fastest:
        told = "; ".join(f"{name}: {why}" for name, why in absent.items())
        raise InfraError(f"no baseline runs at {point.label}: {told}", where=definition.operation)
    _load_baseline(arena, fastest)
    kernel: list[tuple[float, ...]] = []
    baseline: list[tuple[float, ...]] = []
    states = []
    peak: float | None = None
    checked = {0, arena.rng.randrange(ROUNDS)}
    for number in range(ROUNDS):
        if arena.gpu is not None:
            states.append(state_of(arena.gpu).to_wire())
        plans = _block(arena, point)
        for side in ("kernel", "baseline") if number % 2 == 0 else ("baseline", "kernel"):
            if side == "baseline":
                baseline.append(tuple(_cold_baseline(arena, plans, first=False)))
                arena.ask_baseline("release")
                continue
            arena.ask_kernel(
                "prepare", plans=plans[1:], warm=plans[0], first=number == 0, configuration=job.configuration
            )
            threads = arena.kernel.threads()
            reply = arena.ask_kernel("cold")
            if arena.kernel.threads() > threads:
                raise KernelFault(Status.FORBIDDEN, "it starts threads or processes while it is timed")
            times = _times(reply)
            peak = max(peak or 0.0, reply["peak_mb"]) if reply.get("peak_mb") is not None else peak
            kernel.append(tuple(times))
            if number in checked:
                _check_timed(arena, plans[1:], point)
            arena.ask_kernel("release")
    hot = _hot(arena, point, kernel[-1], baseline[-1])
    found = summarise(
        target=point.label,
        dtype=point.dtype,
        flops=evaluate(definition.flops, point.names),
        bytes_moved=evaluate(definition.bytes, point.names),
        rounds=Rounds(kernel=tuple(kernel), baseline=tuple(baseline)),
        hot=hot,
        fastest=fastest,
        baselines=quick,
        absent=absent,
        ceilings=arena.ceilings,
        peak_mb=peak,
        states=tuple(states),
    )
    if found.kernel_ms < IMPOSSIBLE * found.floor_ms:
        why = f"{found.kernel_ms:.4g} ms at {point.label}, where the device needs {found.floor_ms:.4g} ms at its best"
        raise KernelFault(Status.PROTOCOL, why)
    return found


def _block(arena: Arena, point: Point) -> list[dict[str, Any]]:
    """Plans of a block's calls, one more for the warm-up; nobody has seen their seeds."""
    definition = arena.job.definition
    seeds = [arena.rng.getrandbits(60) for _ in range(CALLS + 1)]
    return [Question("target", point, "normal", seed).plan(definition) for seed in seeds]


def _survey(arena: Arena, point: Point) -> tuple[dict[str, float | None], dict[str, str]]:
    """One block of every baseline."""
    quick: dict[str, float | None] = {}
    absent: dict[str, str] = {}
    for name in arena.job.definition.timed_against:
        try:
            _load_baseline(arena, name)
            times = sorted(_cold_baseline(arena, _block(arena, point), first=True))
            quick[name] = times[len(times) // 2]
            arena.ask_baseline("release")
        except StandFault as fault:
            if fault.code is not None or not fault.note:
                raise InfraError(f"the baseline {name} ended its process: {fault}", where=point.label) from fault
            quick[name], absent[name] = None, clip(str(fault))
    return quick, absent


def _load_baseline(arena: Arena, name: str) -> None:
    arena.ask_baseline("load", baseline=arena.job.definition.timed_against[name].to_wire(), place=str(arena.job.place))


def _cold_baseline(arena: Arena, plans: list[dict[str, Any]], *, first: bool) -> list[float]:
    arena.ask_baseline("prepare", plans=plans[1:], warm=plans[0], first=first, configuration={})
    return _times(arena.ask_baseline("cold"))


def _times(reply: dict[str, Any]) -> list[float]:
    """Milliseconds of a block.

    Raises:
        KernelFault: if they are no times.
    """
    times = reply.get("event_ms")
    if isinstance(times, list) and len(times) == CALLS and all(type(t) is float and 0 < t < 1e9 for t in times):
        return times
    raise KernelFault(Status.PROTOCOL, "its process reports times that are none")


def _check_timed(arena: Arena, plans: list[dict[str, Any]], point: Point) -> None:
    """Judge the output of one timed call, chosen after it was computed."""
    job = arena.job
    call = arena.rng.randrange(CALLS)
    arena.ask_kernel("show", call=call, name="timed")
    files = collect(job, plans[call], "timed")
    if isinstance(files, str):
        raise KernelFault(Status.PROTOCOL, f"a timed call at {point.label}: {files}")
    judged = ask_truth(job, [plans[call]], [{"question": 0, "files": list(files)}], device=arena.device)
    wrong = [verdict for verdict in judged["answers"][0] if not verdict["right"]]
    if wrong:
        error = wrong[0]["error"]
        shown = "undefined (not finite)" if error is None else f"{error:.3g}"
        raise KernelFault(
            Status.WRONG,
            f"a timed call at {point.label}: relative error {shown}, at most {wrong[0]['allowed']:.3g} expected",
        )


def _hot(arena: Arena, point: Point, kernel: tuple[float, ...], baseline: tuple[float, ...]) -> tuple[float, float]:
    """Milliseconds of a call in a long row of them, and whether this process's clock agrees with the kernel's events."""
    plans = _block(arena, point)
    arena.ask_kernel("prepare", plans=plans[1:], warm=plans[0], first=False, configuration=arena.job.configuration)
    calls = _row(kernel)
    reply = arena.ask_kernel("hot", calls=calls)
    arena.ask_kernel("release")
    event, wall = float(reply["event_ms"]), reply["seconds"] * 1000
    if wall > _CLOCK_RATIO * event + _CLOCK_SLACK_MS:
        why = f"{calls} calls at {point.label} took {wall:.4g} ms, its events say {event:.4g}: it works where they do not see it"
        raise KernelFault(Status.PROTOCOL, why)
    arena.ask_baseline("prepare", plans=plans[1:], warm=plans[0], first=False, configuration={})
    many = _row(baseline)
    usual = float(arena.ask_baseline("hot", calls=many)["event_ms"])
    arena.ask_baseline("release")
    return event / calls, usual / many


def _row(times: tuple[float, ...]) -> int:
    return max(CALLS, min(_MOST_HOT_CALLS, round(_HOT_MS / max(sorted(times)[len(times) // 2], 1e-6))))
