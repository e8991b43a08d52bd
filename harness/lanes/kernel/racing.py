"""Racing: a kernel at one target, timed in turn with the fastest baseline, its timed outputs checked."""

from __future__ import annotations

from typing import Any

from harness.core.errors import InfraError
from harness.core.evidence import clip
from harness.core.status import Status
from harness.lanes.kernel.arena import Arena, KernelFault
from harness.lanes.kernel.arithmetic import evaluate
from harness.lanes.kernel.bench import StandFault
from harness.lanes.kernel.compute import ask_truth, collect
from harness.lanes.kernel.definition import Point
from harness.lanes.kernel.gpu import state_of
from harness.lanes.kernel.measurement import IMPOSSIBLE, Measurement, Rounds, summarise
from harness.lanes.kernel.question import Question

ROUNDS = 6
CALLS = 10
"""Cold calls of a block; with the rounds some sixty for each side."""
_HOT_MS = 50.0
"""A hot block is made so long that two clocks can be compared."""
_MOST_HOT_CALLS = 5000
_CLOCK_RATIO, _CLOCK_SLACK_MS = 1.2, 10.0
"""By how much the parent's clock may exceed the device's events: work that the events do not see takes longer."""


def race(arena: Arena, point: Point) -> Measurement:
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
            if reply.get("peak_mb") is not None:
                peak = max(peak or 0.0, number_in(reply, "peak_mb"))
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


def number_in(reply: dict[str, Any], name: str) -> float:
    """A figure that a kernel's process reports.

    Raises:
        KernelFault: if it is none.
    """
    value = reply.get(name)
    if type(value) is float and 0 <= value < 1e12:
        return value
    raise KernelFault(Status.PROTOCOL, f"its process reports {name} that is no figure")


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
    """Milliseconds of a call in a long row of them, and whether two clocks agree about the kernel."""
    plans = _block(arena, point)
    arena.ask_kernel("prepare", plans=plans[1:], warm=plans[0], first=False, configuration=arena.job.configuration)
    calls = _row(kernel)
    reply = arena.ask_kernel("hot", calls=calls)
    arena.ask_kernel("release")
    event, wall = number_in(reply, "event_ms"), reply["seconds"] * 1000
    if wall > _CLOCK_RATIO * event + _CLOCK_SLACK_MS:
        told = f"{calls} calls at {point.label} took {wall:.4g} ms, its events say {event:.4g}"
        raise KernelFault(Status.PROTOCOL, f"{told}: it works where they do not see it")
    arena.ask_baseline("prepare", plans=plans[1:], warm=plans[0], first=False, configuration={})
    many = _row(baseline)
    usual = float(arena.ask_baseline("hot", calls=many)["event_ms"])
    arena.ask_baseline("release")
    return event / calls, usual / many


def _row(times: tuple[float, ...]) -> int:
    return max(CALLS, min(_MOST_HOT_CALLS, round(_HOT_MS / max(sorted(times)[len(times) // 2], 1e-6))))
