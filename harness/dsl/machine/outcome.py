"""Outcome: the result of a run, for the lane, the command line and reports."""

from __future__ import annotations

from typing import Any

from harness.dsl.ir import Program, Step
from harness.dsl.machine.external_effects import Query
from harness.dsl.machine.state import State
from harness.dsl.plain import contents, plain


@plain
class StepOutcome:
    """The result of one step or check.

    Attributes:
        kind: step, check or expect.
        status: `ok`; `wrong` for a check that does not hold; the status of the fault for a failed step; `review` where
            it waits for an answer; `budget` if one stopped it; `simulated` if its value is unknown; `skipped` if it was
            not reached.
        why: What is wrong, empty if ok.
        times: Number of times it ended without a fault.
    """

    unit: str
    name: str
    slug: str
    label: str
    kind: str
    status: str
    why: str
    times: int


@plain
class Outcome:
    """The result of a run.

    Attributes:
        status: `ok` if it passed; `wrong` (a success criterion or check does not hold), `broken` (an item broke an
            invariant), `simulated` (effects were not performed), `failed` (a step did), `suspended`, `in_doubt`,
            `budget`, `cancelled` or `running`.
        passed: Whether it ended with all criteria true (or all checks, without criteria), no broken invariant and no
            simulated effect.
        why: The first reason for not passing.
        head: Hex of the last hash.
        steps: All steps and checks of all units, in source order.
        in_doubt: Keys of effects that may or may not have happened.
        criteria: (text, true/false/undefined, reason) of the main unit's success criteria.
        broken: Names of the invariants that an item broke.
        used: Amounts by name of the budget.
        repeated: Number of effects repeated after a crash, under the same key.
        value: The return value of the main unit, as JSON of the log.
    """

    status: str
    passed: bool
    why: str
    head: str
    events: int
    steps: tuple[StepOutcome, ...]
    questions: tuple[Query, ...]
    in_doubt: tuple[str, ...]
    criteria: tuple[tuple[str, str, str], ...]
    broken: tuple[str, ...]
    used: dict[str, Any]
    repeated: int
    value: Any = None


def outcome_of(
    program: Program,
    state: State,
    *,
    status: str,
    head: str,
    events: int,
    questions: list[Query],
    in_doubt: list[str],
    repeated: int,
) -> Outcome:
    """The outcome of a state."""
    if status not in _WAITING:
        questions = []  # no answer continues the run
    steps = tuple(
        _step(state, unit.name, step, {query.label for query in questions})
        for unit in program.units
        for step in unit.steps
    )
    main = state.root.calls[0]
    criteria = tuple(tuple(entry) for entry in state.ended.get("success", ()))
    broken = tuple(dict.fromkeys(state.broken))
    failing = _unfinished(state, status, questions)
    if not failing:
        word, failing = _failing(state, steps, criteria, broken)
        status = word if status == "ok" else status
    return Outcome(
        status=status,
        passed=status == "ok",
        why=failing,
        head=head,
        events=events,
        steps=steps,
        questions=tuple(questions),
        in_doubt=tuple(in_doubt),
        criteria=criteria,
        broken=broken,
        used={**contents(state.used), "steps": main.steps, "iterations": main.iterations},
        repeated=repeated,
        value=state.ended.get("value"),
    )


def _unfinished(state: State, status: str, questions: list[Query]) -> str:
    """Why a run did not end; empty if it did."""
    ended = state.ended
    match status:
        case "failed":
            return f"{ended.get('label', '')}: {ended.get('status', '')}: {ended.get('why', '')}"
        case "budget":
            return f"{ended.get('unit', '')}: budget of {ended.get('limit', 0):g} {ended.get('which', '')} reached"
        case "suspended":
            waits = f"{questions[0].label} waits for an answer to question {questions[0].id}" if questions else ""
            return waits or "it waits for events: `crucible dsl send`"
        case "cancelled":
            return f"cancelled: {ended.get('why', '')}"
        case "in_doubt":
            return "an effect that may happen only once began before a crash; it is unknown whether it happened"
        case "running":
            return "it has not ended"
    return ""


def _failing(state: State, steps: tuple[StepOutcome, ...], criteria: Any, broken: tuple[str, ...]) -> tuple[str, str]:
    """The word and the first reason why an ended run does not pass; `ok` and an empty string if it passes."""
    for text, verdict, reason in criteria:
        if verdict != "true":
            word = "simulated" if reason.startswith("simulated: ") else "wrong"
            return word, f"{text} is {verdict}" + (f": {reason}" if reason else "")
    if broken:
        return "broken", f"invariant {broken[0]} is broken"
    if not criteria:
        wrong = next((step for step in steps if step.kind != "step" and step.status not in ("ok", "skipped")), None)
        if wrong is not None:
            return wrong.status, f"{wrong.kind} {wrong.name}: {wrong.why}"
    if state.used.simulated and not criteria:
        return "simulated", f"{state.used.simulated} effects were simulated: their values are unknown"
    if state.used.mocked:
        return "simulated", f"mocks answered {state.used.mocked} effects: nothing was measured"
    return "ok", ""


_WAITING = ("suspended", "budget", "in_doubt", "running")  # statuses of a run that an answer can continue
_INTERRUPTED = {
    "running": ("skipped", "it has not ended"),
    "budget": ("budget", "the budget stopped it"),
    "cancelled": ("skipped", "the run was cancelled"),
}
"""Status and reason of a step that has begun and not ended, by the status of the run."""


def _step(state: State, unit: str, step: Step, waiting: set[str]) -> StepOutcome:
    inside = step.label + "/"
    times = state.left.get(step.label, 0)
    status, why = ("ok", "") if times else ("skipped", "not reached")
    judged = [j for j in state.judged.values() if j.label == step.label or j.label.startswith(inside)]
    wrong = next((j for j in judged if not j.held), None)
    failure = state.ended if state.status == "failed" else {}
    label = str(failure.get("label", ""))
    if label == step.label or label.startswith(inside):
        status, why = str(failure["status"]), str(failure["why"])
    elif any(one == step.label or one.startswith(inside) for one in waiting):
        status, why = "review", "it waits for an answer"
    elif wrong is not None and step.kind != "step":
        simulated = wrong.seen.startswith("undefined: simulated")
        status, why = ("simulated" if simulated else "wrong"), f"saw {wrong.seen}"
    elif not times and state.entered.get(step.label):
        status, why = _INTERRUPTED.get(state.status, ("wrong", "it did not end"))
    return StepOutcome(unit, step.name, step.slug, step.label, step.kind, status, why, times)
