"""Judging: what the trials of a program say about one part of it."""

from __future__ import annotations

from typing import Any

from harness.core.case import Case
from harness.core.clip import clip
from harness.core.evidence import Attempt, Evidence
from harness.core.status import Status, first_of
from harness.core.tier import Tier
from harness.dsl.ir import Program
from harness.lanes.dsl.limits import limits_at, tightest
from harness.lanes.dsl.parts import INVARIANT, PROGRAM, SUCCESS

Record = dict[str, Any]
"""What `trial.run` returns."""
Verdict = tuple[Status, str]
_STATUSES = frozenset(status.value for status in Status)


def evidence(case: Case, program: Program, trials: list[Record], *, tier: Tier | None, seconds: float) -> Evidence:
    """The evidence of one case."""
    verdicts = [_verdict(case, program, trial) for trial in trials]
    status = first_of(verdict[0] for verdict in verdicts)
    why = next(verdict[1] for verdict in verdicts if verdict[0] is status)
    diverged = next((trial["diverged"] for trial in trials if trial["diverged"]), "")
    differ = _difference(program, trials) if case.inputs["repeatable"] else ""
    if (diverged or differ) and status.precedence > Status.FLAKY.precedence:
        status, why = Status.FLAKY, diverged or differ
    first = trials[0]
    spent = tightest(limits_at(case.policy, program), first["used"])
    facts = {
        "kind": case.inputs["kind"],
        "head": first["head"],
        "events": first["events"],
        "resumed": first["resumed"],
        "asked": first["asked"],
        "questions": first["questions"],
        "prose": len(program.prose),
        "diverged": diverged,
        "differ": differ,
        "invariants": first["invariants"],
        "budget": None if spent is None else spent[1],
        "tightest": "" if spent is None else spent[0],
        "durability": first["durability"],
    }
    if case.inputs["kind"] in (SUCCESS, PROGRAM) or case.inputs["first"]:
        facts |= {name: first[name] for name in ("criteria", "facts", "hints", "used", "timeline")}
    return Evidence(
        status=status,
        why=why,
        attempts=tuple(
            Attempt(
                index=i,
                seed=0,
                hash_seed=i,
                status=verdict[0],
                why=clip(verdict[1]),
                answers=trial["head"] if case.inputs["repeatable"] else "",
                seconds=trial["seconds"],
            )
            for i, (trial, verdict) in enumerate(zip(trials, verdicts, strict=True))
        ),
        facts=facts,
        finalist=False,  # a confirmation would repeat the effects of the program
        limits_hit=tuple(dict.fromkeys(t["why"].split(": ", 1)[-1] for t in trials if t["status"] == "budget")),
        tier=tier,
        seconds=seconds,
    )


def knowledge(case: Case, program: Program, *, seconds: float) -> Evidence:
    """The evidence of a case of a program in which nothing runs: it was read and checked, and that is all."""
    kind, why, status = case.inputs["kind"], "", Status.OK
    if kind == INVARIANT:
        invariant = next(i for i in program.invariants if i.name == case.inputs["label"])
        status = Status.SKIPPED
        why = (
            "prose: shown, never evaluated"
            if not invariant.conditions
            else "a law for plans: `crucible dsl check --laws`"
        )
    facts = {
        "kind": kind,
        "knowledge": True,
        "rules": len(program.rules),
        "laws": len(program.invariants),
        "prose": len(program.prose),
    }
    return Evidence(status=status, why=why, facts=facts, seconds=seconds)


def _verdict(case: Case, program: Program, trial: Record) -> Verdict:
    kind, label = case.inputs["kind"], case.inputs["label"]
    if kind == PROGRAM:
        return Status.OK, ""
    if kind == INVARIANT:
        return _invariant(program, label, trial)
    if kind == SUCCESS:
        return _success(program, trial)
    step = trial["steps"][label]
    if step["status"] == "skipped":
        ended = trial["status"] == "ok"
        return (
            Status.SKIPPED,
            "not reached: a condition went the other way" if ended else f"not reached: {stopped(program, trial)}",
        )
    if step["status"] == "review":
        return Status.REVIEW, stopped(program, trial)
    if step["status"] == "simulated" or step["status"] not in _STATUSES:
        return Status.SKIPPED, f"nothing is known: {step['why']}"
    return Status(step["status"]), step["why"]


def _invariant(program: Program, name: str, trial: Record) -> Verdict:
    match trial["invariants"][name]:
        case "held":
            return Status.OK, ""
        case "broken":
            invariant = next(i for i in program.invariants if i.name == name)
            return Status.WRONG, f"{program.where(invariant.span)}: invariant {name} is broken"
        case "prose":
            return Status.SKIPPED, "prose: shown, never evaluated"
        case _:
            return Status.SKIPPED, "undefined: nothing it looks at was traced"


def _success(program: Program, trial: Record) -> Verdict:
    if trial["status"] in ("suspended", "in_doubt", "running"):
        return Status.REVIEW, stopped(program, trial)
    if trial["status"] == "budget":
        return Status.TIMEOUT, stopped(program, trial)
    for text, verdict, reason in trial["criteria"]:
        if verdict != "true":
            return Status.WRONG, clip(f"{text} is {verdict}" + (f": {reason}" if reason else ""))
    return (Status.OK, "") if trial["passed"] else (Status.WRONG, stopped(program, trial))


def stopped(program: Program, trial: Record) -> str:
    """Why a run stands where it stands, with the line of the step."""
    if trial["questions"]:
        question = trial["questions"][0]
        line = _line(program, question["step"])
        return f"{question['step']} (line {line}) waits for an answer to question {question['id']}"
    label = trial["why"].split(": ", 1)[0]
    line = _line(program, label)
    return clip(trial["why"] if line is None else f"{label} (line {line}) failed: {trial['why'][len(label) + 2 :]}")


def _line(program: Program, label: str) -> int | None:
    for unit in program.units:
        for instruction in unit.code:
            if instruction.label == label:
                return program.place(instruction.span[0])[0]
    return None


def _difference(program: Program, trials: list[Record]) -> str:
    """Where two runs first differ, empty if they do not."""
    first = trials[0]
    for other in trials[1:]:
        if other["head"] == first["head"]:
            continue
        before = ""
        for a, b in zip(first["chain"], other["chain"], strict=False):
            if a[1] != b[1]:
                label = before or a[0]
                line = _line(program, label)
                return f"runs differ first at {label}" + (f" (line {line})" if line else "")
            before = a[0]
        return "one run has more events than another"
    return ""
