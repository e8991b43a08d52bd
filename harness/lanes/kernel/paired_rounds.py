"""Racing: a kernel at one target, timed in turn with the fastest baseline, its timed outputs checked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from harness.core.status import Status
from harness.lanes.kernel.axis_expression import evaluate
from harness.lanes.kernel.baselines import Survey
from harness.lanes.kernel.correctness import ask_truth, collect
from harness.lanes.kernel.definition import Point
from harness.lanes.kernel.device_session import Arena, KernelFault
from harness.lanes.kernel.gpu import state_of
from harness.lanes.kernel.measurement import IMPOSSIBLE, Measurement, Rounds, summarise

ROUNDS = 6
CALLS = 10
"""Cold calls of a block; with the rounds some sixty for each side."""
FEWEST_CALLS = 3
_BLOCK_MS = 400.0
"""A block of a slow kernel has fewer calls, so that it takes no longer than this, but never fewer than three."""
_HOT_MS = 50.0
"""A hot block is made so long that two clocks can be compared."""
_MAX_HOT_CALLS = 5000
_CLOCK_RATIO, _CLOCK_SLACK_MS = 1.2, 10.0
"""By how much the parent's clock may exceed the device's events: work that the events do not see takes longer."""
_AHEAD_RATIO, _AHEAD_SLACK_MS = 1.3, 0.05
"""By how much a call that finds the device idle may take longer than one that is queued, beside what launching takes
the host: a kernel that works ahead of its turn, on another stream, takes longer."""


@dataclass(slots=True)
class Duel:
    """What some rounds came to."""

    kernel: list[tuple[float, ...]] = field(default_factory=list)
    baseline: list[tuple[float, ...]] = field(default_factory=list)
    states: list[dict[str, float | None]] = field(default_factory=list)
    peak_mb: float | None = None


def race(arena: Arena, point: Point, *, rounds: int | None = None) -> Measurement:
    """Time the kernel at one target, in turn with the fastest baseline.

    Raises:
        KernelFault: what it did wrong.
        InfraError: if no baseline runs.
    """
    definition = arena.job.definition
    survey = survey_of(arena, point)
    found = duel(arena, point, survey, rounds=ROUNDS if rounds is None else rounds)
    hot = _hot(arena, point, found)
    made = summarise(
        target=point.label,
        dtype=point.dtype,
        flops=evaluate(definition.flops, point.names),
        bytes_moved=evaluate(definition.bytes, point.names),
        rounds=Rounds(kernel=tuple(found.kernel), baseline=tuple(found.baseline)),
        hot=hot,
        fastest=survey.fastest,
        baselines=survey.quick,
        absent=survey.absent,
        ceilings=arena.ceilings,
        peak_mb=found.peak_mb,
        states=tuple(found.states),
    )
    if made.kernel_ms < IMPOSSIBLE * made.floor_ms:
        why = f"{made.kernel_ms:.4g} ms at {point.label}, where the device needs {made.floor_ms:.4g} ms at its best"
        raise KernelFault(Status.PROTOCOL, why)
    return made


def survey_of(arena: Arena, point: Point) -> Survey:
    """All baselines at a target, and the fastest of them loaded."""
    job = arena.job
    found = arena.baselines.survey(job.definition, job.place, point, arena.plans(point, CALLS + 1))
    arena.baselines.load(job.definition, job.place, found.fastest)
    return found


def duel(arena: Arena, point: Point, survey: Survey, *, rounds: int) -> Duel:
    """Rounds of a block each, the order changing from round to round; some timed outputs are judged.

    Raises:
        KernelFault: what the kernel did wrong.
    """
    found = Duel()
    calls = CALLS
    checked = {0, arena.rng.randrange(rounds)}
    for number in range(rounds):
        if arena.gpu is not None:
            found.states.append(state_of(arena.gpu).to_wire())
        plans = arena.plans(point, CALLS + 1)
        for side in ("kernel", "baseline") if number % 2 == 0 else ("baseline", "kernel"):
            if side == "baseline":
                few = _few(survey.quick[survey.fastest] or 0.0)
                found.baseline.append(tuple(arena.baselines.cold(plans[: few + 1], first=number == 0)))
                continue
            usual = _prepared(arena, plans, first=number == 0)
            if number == 0:
                calls = _few(usual)
            threads = arena.kernel.threads()
            reply = arena.ask_kernel("cold", calls=calls)
            if arena.kernel.threads() > threads:
                raise KernelFault(Status.FORBIDDEN, "it starts threads or processes while it is timed")
            times = _times(reply, calls)
            _check_ahead(reply, times, point)
            if reply.get("peak_mb") is not None:
                found.peak_mb = max(found.peak_mb or 0.0, number_in(reply, "peak_mb"))
            found.kernel.append(tuple(times))
            if number in checked:
                _check_timed(arena, plans[1 : calls + 1], point)
            arena.ask_kernel("release")
    return found


def _few(milliseconds: float) -> int:
    """Calls of a block, for calls that take so long."""
    return max(min(FEWEST_CALLS, CALLS), min(CALLS, int(_BLOCK_MS / max(milliseconds, 1e-6))))


def _prepared(arena: Arena, plans: list[dict[str, Any]], *, first: bool) -> float:
    """Have the kernel's block drawn; milliseconds of a warm call."""
    reply = arena.ask_kernel(
        "prepare", plans=plans[1:], warm=plans[0], first=first, configuration=arena.job.configuration
    )
    return number_in(reply, "warm_ms")


def _times(reply: dict[str, Any], calls: int) -> list[float]:
    """Milliseconds of a block.

    Raises:
        KernelFault: if they are no times.
    """
    times = reply.get("event_ms")
    if isinstance(times, list) and len(times) == calls and all(type(t) is float and 0 < t < 1e9 for t in times):
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


def _check_ahead(reply: dict[str, Any], times: list[float], point: Point) -> None:
    """A call that finds the device idle takes what a queued one takes, and what the host needs to launch it."""
    idle, launch = number_in(reply, "idle_ms"), number_in(reply, "launch_ms")
    usual = max(times)
    if idle > _AHEAD_RATIO * usual + launch + _AHEAD_SLACK_MS:
        told = f"a queued call at {point.label} takes {usual:.4g} ms, one on an idle device {idle:.4g} ms"
        raise KernelFault(Status.PROTOCOL, f"{told}, of which launching is {launch:.4g}: it works ahead of its turn")


def _check_timed(arena: Arena, plans: list[dict[str, Any]], point: Point) -> None:
    """Judge the output of one timed call, chosen after it was computed."""
    job = arena.job
    call = arena.rng.randrange(len(plans))
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


def _hot(arena: Arena, point: Point, found: Duel) -> tuple[float, float]:
    """Milliseconds of a call in a long row of them, and whether two clocks agree about the kernel."""
    plans = arena.plans(point, CALLS + 1)
    _prepared(arena, plans, first=False)
    calls = _row(found.kernel[-1])
    reply = arena.ask_kernel("hot", calls=calls)
    arena.ask_kernel("release")
    event, wall = number_in(reply, "event_ms"), reply["seconds"] * 1000
    if wall > _CLOCK_RATIO * event + _CLOCK_SLACK_MS:
        told = f"{calls} calls at {point.label} took {wall:.4g} ms, its events say {event:.4g}"
        raise KernelFault(Status.PROTOCOL, f"{told}: it works where they do not see it")
    many = _row(found.baseline[-1])
    usual = arena.baselines.hot(plans, calls=many)
    return event / calls, usual / many


def _row(times: tuple[float, ...]) -> int:
    return max(FEWEST_CALLS, min(_MAX_HOT_CALLS, round(_HOT_MS / max(sorted(times)[len(times) // 2], 1e-6))))
