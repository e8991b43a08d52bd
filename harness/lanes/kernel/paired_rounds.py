"""Paired rounds: time a kernel at one target in alternation with the fastest baseline, and check timed outputs."""

from __future__ import annotations

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


def measure_point(session: DeviceSession, point: Point) -> Measurement:
    """Time the kernel at one target in alternation with the fastest baseline.

    Raises:
        KernelFault: if the kernel fails, or its times are impossible.
        InfraError: if no baseline runs.
    """
    definition = session.job.definition
    survey = survey_baselines(session, point)
    rounds, noted = run_rounds(session, point, survey, rounds=ROUNDS)
    made = summarise(
        rounds,
        session.ceilings,
        target=point.label,
        dtype=point.dtype,
        flops=evaluate(definition.flops, point.names),
        bytes=evaluate(definition.bytes, point.names),
        fastest=survey.fastest,
        baselines=survey.quick,
        absent=survey.absent,
        **noted,
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


def run_rounds(session: DeviceSession, point: Point, survey: Survey, *, rounds: int) -> tuple[Rounds, dict[str, Any]]:
    """Time one block of each side in every round, in alternating order; compare some timed outputs.

    Returns:
        The samples; and the kernel's peak memory and the states of the device, as in a `Measurement`.

    Raises:
        KernelFault: if the kernel fails, or a timed output is wrong.
    """
    kernel, baseline, states, peaks = list[list[float]](), list[list[float]](), list[Any](), list[float]()
    calls = CALLS
    checked = {0, session.rng.randrange(rounds)}
    for number in range(rounds):
        if session.gpu is not None:
            states.append(state_of(session.gpu).to_wire())
        plans = session.plans(point, CALLS + 1)
        for side in ("kernel", "baseline") if number % 2 == 0 else ("baseline", "kernel"):
            if side == "baseline":
                few = _block_calls(survey.quick[survey.fastest] or 0.0)
                baseline.append(session.baselines.cold(plans[: few + 1], first=number == 0))
                continue
            lines = session.record(plans)
            warm = session.ask_kernel("prepare", plans=plans, lines=lines, first=number == 0)
            if number == 0:
                calls = _block_calls(warm["warm_ms"])
            reply = session.ask_kernel("cold", calls=calls)
            if reply["peak_mb"] is not None:
                peaks.append(reply["peak_mb"])
            kernel.append(reply["event_ms"])
            if number in checked:
                _check_timed(session, plans[1 : calls + 1], point)
            session.ask_kernel("release")
    timed = Rounds.model_validate({"kernel": kernel, "baseline": baseline})
    return timed, {"peak_mb": max(peaks, default=None), "states": tuple(states)}


def _block_calls(milliseconds: float) -> int:
    """The number of calls of a block, from the time of one call."""
    return max(min(MIN_CALLS, CALLS), min(CALLS, int(_BLOCK_MS / max(milliseconds, 1e-6))))


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
