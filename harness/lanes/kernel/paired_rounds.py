"""Paired rounds: time a kernel at one target in alternation with the fastest baseline, and check timed outputs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from harness.core.status import Status
from harness.lanes.kernel.axis_expression import evaluate
from harness.lanes.kernel.baselines import Survey
from harness.lanes.kernel.correctness import compare_answers, find_answer
from harness.lanes.kernel.definition import Point
from harness.lanes.kernel.device_session import DeviceSession, KernelFault
from harness.lanes.kernel.gpu import state_of
from harness.lanes.kernel.measurement import IMPOSSIBLE, Measurement, Rounds, summarise

ROUNDS = 6
CALLS = 10  # cold calls of a block: sixty for each side in six rounds
MIN_CALLS = 3
_BLOCK_MS = 400.0  # a block of a slow kernel has fewer calls, to take no longer than this


@dataclass(slots=True)
class PairedRounds:
    """Samples and device states of the rounds so far."""

    kernel: list[tuple[float, ...]] = field(default_factory=list)
    baseline: list[tuple[float, ...]] = field(default_factory=list)
    states: list[dict[str, float | None]] = field(default_factory=list)
    peak_mb: float | None = None

    @property
    def rounds(self) -> Rounds:
        """The samples."""
        return Rounds(kernel=tuple(self.kernel), baseline=tuple(self.baseline))


def measure_point(session: DeviceSession, point: Point) -> Measurement:
    """Time the kernel at one target in alternation with the fastest baseline.

    Raises:
        KernelFault: if the kernel fails, or its times are impossible.
        InfraError: if no baseline runs.
    """
    definition = session.job.definition
    survey = survey_baselines(session, point)
    found = run_rounds(session, point, survey, rounds=ROUNDS)
    made = summarise(
        target=point.label,
        dtype=point.dtype,
        flops=evaluate(definition.flops, point.names),
        bytes_moved=evaluate(definition.bytes, point.names),
        rounds=found.rounds,
        fastest=survey.fastest,
        baselines=survey.quick,
        absent=survey.absent,
        ceilings=session.ceilings,
        peak_mb=found.peak_mb,
        states=tuple(found.states),
    )
    if made.kernel_ms < IMPOSSIBLE * made.floor_ms:
        why = f"{made.kernel_ms:.4g} ms at {point.label}, where the device needs {made.floor_ms:.4g} ms at its best"
        raise KernelFault(Status.PROTOCOL, why)
    return made


def survey_baselines(session: DeviceSession, point: Point) -> Survey:
    """Time all baselines at a target and load the fastest."""
    job = session.job
    found = session.baselines.survey(job.definition, job.place, point, session.plans(point, CALLS + 1))
    session.baselines.load(job.definition, job.place, found.fastest)
    return found


def run_rounds(session: DeviceSession, point: Point, survey: Survey, *, rounds: int) -> PairedRounds:
    """Time one block of each side in every round, in alternating order; compare some timed outputs.

    Raises:
        KernelFault: if the kernel fails, or a timed output is wrong.
    """
    found = PairedRounds()
    calls = CALLS
    checked = {0, session.rng.randrange(rounds)}
    for number in range(rounds):
        if session.gpu is not None:
            found.states.append(state_of(session.gpu).to_wire())
        plans = session.plans(point, CALLS + 1)
        for side in ("kernel", "baseline") if number % 2 == 0 else ("baseline", "kernel"):
            if side == "baseline":
                few = _block_calls(survey.quick[survey.fastest] or 0.0)
                found.baseline.append(tuple(session.baselines.cold(plans[: few + 1], first=number == 0)))
                continue
            usual = _prepared(session, plans, first=number == 0)
            if number == 0:
                calls = _block_calls(usual)
            reply = session.ask_kernel("cold", calls=calls)
            if reply["peak_mb"] is not None:
                found.peak_mb = max(found.peak_mb or 0.0, reply["peak_mb"])
            found.kernel.append(tuple(reply["event_ms"]))
            if number in checked:
                _check_timed(session, plans[1 : calls + 1], point)
            session.ask_kernel("release")
    return found


def _block_calls(milliseconds: float) -> int:
    """The number of calls of a block, from the time of one call."""
    return max(min(MIN_CALLS, CALLS), min(CALLS, int(_BLOCK_MS / max(milliseconds, 1e-6))))


def _prepared(session: DeviceSession, plans: list[dict[str, Any]], *, first: bool) -> float:
    """Sample the inputs of the kernel's block; returns the milliseconds of a warm call."""
    return float(session.ask_kernel("prepare", plans=plans, lines=session.record(plans), first=first)["warm_ms"])


def _check_timed(session: DeviceSession, plans: list[dict[str, Any]], point: Point) -> None:
    """Compare the output of one timed call, chosen after it was computed, with the reference."""
    job = session.job
    call = session.rng.randrange(len(plans))
    session.ask_kernel("show", call=call, name="timed")
    asked = [{"question": 0, "files": find_answer(job, "timed")}]
    compared = compare_answers(job, [plans[call]], asked, session.baselines.compare)
    wrong = [verdict for verdict in compared["answers"][0] if not verdict["right"]]
    if wrong:
        error = wrong[0]["error"]
        shown = "undefined (not finite)" if error is None else f"{error:.3g}"
        raise KernelFault(
            Status.WRONG,
            f"a timed call at {point.label}: relative error {shown}, at most {wrong[0]['allowed']:.3g} expected",
        )
