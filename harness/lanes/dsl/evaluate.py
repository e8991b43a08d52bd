"""Case to evidence: the program runs, and each case reads its own part from the shared trials."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from harness.core.case import Case
from harness.core.clip import clip
from harness.core.digest import digest_json
from harness.core.evidence import Attempt, Counterexample, Evidence
from harness.core.exhibit import Exhibit
from harness.core.status import Status, first_of
from harness.core.tier import Tier
from harness.dsl.ir import Effect, Judge, Program, Sweep
from harness.dsl.language.diagnostic import ProgramError
from harness.dsl.machine.input_files import read_input_files
from harness.dsl.machine.settings import RunSettings
from harness.lane.context import Context
from harness.lane.shared_result import compute_once
from harness.lanes.dsl.exhibits import run_exhibits
from harness.lanes.dsl.options import WALL_SECONDS
from harness.lanes.dsl.parts import INVARIANT, PROGRAM, SUCCESS
from harness.lanes.dsl.pinned_inputs import digest_of_copy, unchanged_path
from harness.lanes.dsl.program_budget import ANNEALED, limits_at, tightest
from harness.lanes.dsl.programs import Programs
from harness.lanes.dsl.trial import Trial, run_trial
from harness.providers.file import Answers, read_answers

MAX_PROBLEMS = 20
MAX_PROMPT = 80  # characters of a question in a reason
Record = dict[str, Any]
"""What `run_trial` returns."""
Verdict = tuple[Status, str]
_STATUSES = frozenset(status.value for status in Status)


def evaluate_part(case: Case, context: Context, programs: Programs) -> Evidence:
    """Evidence of one part of a program; the first case of a program runs it, the others read the same trials.

    Raises:
        InfraError: if a file changed since it was collected.
    """
    started = time.perf_counter()
    given = case.inputs
    try:
        program = programs.load(given)
    except ProgramError as error:
        listed = [clip(line.replace("\n", " ")) for line in str(error).split("\n") if " | " not in line]
        why = listed[0] + (f" (and {len(listed) - 1} more)" if len(listed) > 1 else "")
        facts = {"problems": listed[:MAX_PROBLEMS], "kind": given["kind"]}
        return Evidence(status=Status.WRONG, why=why, facts=facts, seconds=time.perf_counter() - started)
    if program.main < 0:
        return _knowledge_evidence(case, program, seconds=time.perf_counter() - started)
    answers = Answers() if given["answers"] is None else read_answers(unchanged_path(given["answers"]))
    key = digest_json(
        [
            {name: value for name, value in given.items() if name not in ("kind", "label", "first")},
            case.policy.to_wire(),
            context.secret_seed,
        ]
    )
    boxes = context.boxes if given["live"] and _runs_commands(program) else None

    def make(index: int, folder: Path) -> dict[str, Any]:
        files = read_input_files(unchanged_path(entry, digest_of_copy) for entry in given["files"])
        trial = Trial(program, given["inputs"], answers, _settings(case, program, index), seed=0, files=files)
        result = run_trial(trial, folder, boxes)
        if index == 0:  # what the report shows of the program is packed once, for all its cases
            result["exhibits"] = [one.to_wire() for one in run_exhibits(program, result)]
        return result

    trials = [
        _run_once(context.run_folder / "dsl-runs" / f"{key[:32]}-{index}", partial(make, index))
        for index in range(case.policy.attempts)
    ]
    tier = boxes.tier if boxes is not None else None
    return _build_evidence(case, program, trials, tier=tier, seconds=time.perf_counter() - started)


def _run_once(folder: Path, make: Callable[[Path], Record]) -> Record:
    """The result of a run that all cases of a program share, in all processes that evaluate them.

    If the process that makes it dies, the next one resumes from the log in the folder, so no effect is repeated.
    """

    def compute() -> bytes:
        result = json.dumps(make(folder)).encode()
        shutil.rmtree(folder, ignore_errors=True)
        return result

    record: Record = json.loads(compute_once(folder.with_suffix(".json"), compute))
    return record


def _settings(case: Case, program: Program, index: int) -> RunSettings:
    """Settings of a run: the time, memory and shrunk limits of the policy's epoch; `index` seeds string hashes."""
    policy, given = case.policy, case.inputs
    now = policy.budget
    recordings = given["recordings"]
    limits = {name: limit for name, limit in limits_at(policy, program).items() if name in ANNEALED}
    wall = given.get("wall_seconds", WALL_SECONDS)  # without it, a program could wait for years, and the run for it
    return RunSettings(
        live=given["live"],
        grants=tuple(given["grants"]),
        recordings=str(unchanged_path(recordings)) if recordings is not None else "",
        seconds=now.time_ms / 1000,
        memory_mb=now.memory_mb,
        hash_seed=index,
        limits=limits | {"wall_s": min(wall, limits.get("wall_s", wall))},
    )


def _runs_commands(program: Program) -> bool:
    commands = (i for unit in program.units for i in unit.code if isinstance(i, Effect | Sweep))
    return any(isinstance(i, Sweep) or i.name == "run" for i in commands)


def _build_evidence(
    case: Case, program: Program, trials: list[Record], *, tier: Tier | None, seconds: float
) -> Evidence:
    """The evidence of one case from the trials of its program."""
    verdicts = [_verdict(case, program, trial) for trial in trials]
    status = first_of(verdict[0] for verdict in verdicts)
    why = next(verdict[1] for verdict in verdicts if verdict[0] is status)
    diverged = next((trial["diverged"] for trial in trials if trial["diverged"]), "")
    differ = _difference(program, trials) if case.inputs["repeatable"] else ""
    if (diverged or differ) and status.precedence > Status.FLAKY.precedence:
        status, why = Status.FLAKY, diverged or differ
    counterexample = _counterexample(case, program, trials[0], why) if status is Status.WRONG else None
    if counterexample is not None and why.startswith("saw "):
        why = clip(f"expected {counterexample.expected}, {why}")
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
        facts |= {name: first[name] for name in ("criteria", "facts", "hints", "used")}
    return Evidence(
        status=status,
        why=why,
        counterexample=counterexample,
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
        exhibits=tuple(Exhibit.from_wire(one) for one in first["exhibits"]),
        finalist=False,  # a confirmation would repeat the effects of the program
        limits_hit=tuple(dict.fromkeys(t["why"].split(": ", 1)[-1] for t in trials if t["status"] == "budget")),
        tier=tier,
        seconds=seconds,
    )


def _knowledge_evidence(case: Case, program: Program, *, seconds: float) -> Evidence:
    """The evidence of a case of a program without a task or loop: it was read and checked, and nothing runs."""
    kind, why, status = case.inputs["kind"], "", Status.OK
    place = os.path.relpath(case.subject.path) if case.subject.path else case.subject.name
    if kind == INVARIANT:
        invariant = next(i for i in program.invariants if i.name == case.inputs["label"])
        status = Status.SKIPPED
        why = (
            "prose: shown, never evaluated"
            if not invariant.conditions
            else f"an invariant of plans (`crucible dsl check --laws {shlex.quote(place)} PLAN` checks one)"
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
            "not reached: a condition went the other way"
            if ended
            else f"not reached: {_stop_reason(program, trial, asked=False)}",
        )
    if step["status"] == "review":
        return Status.REVIEW, _stop_reason(program, trial)
    if step["status"] == "budget":
        return Status.TIMEOUT, _stop_reason(program, trial)
    if step["status"] == "simulated" or step["status"] not in _STATUSES:
        return Status.SKIPPED, f"nothing is known: {step['why']}"
    return Status(step["status"]), step["why"]


def _counterexample(case: Case, program: Program, trial: Record, why: str) -> Counterexample | None:
    """For a check or an expectation that saw something else: its source, what it asks for, and what it saw.

    For the success of a program and for an invariant it has the condition, and what came of it.
    """
    inside = f"{case.inputs['label']}/"
    if case.inputs["kind"] == INVARIANT:
        invariant = next(one for one in program.invariants if one.name == case.inputs["label"])
        condition = " ".join(program.source[slice(*invariant.span)].split())
        return Counterexample(question=clip(condition), expected="true", observed="false")
    if case.inputs["kind"] == SUCCESS:
        text = next((one for one, _, _ in trial["criteria"] if why.startswith(f"{one} is ")), "")
        found = why.removeprefix(f"{text} is ")
        return Counterexample(question=clip(text), expected="true", observed=found) if text else None
    if case.inputs["kind"] == PROGRAM or not why.startswith("saw "):
        return None
    for instruction in (one for unit in program.units for one in unit.code if one.label.startswith(inside)):
        source = " ".join(program.source[slice(*instruction.span)].split())
        if isinstance(instruction, Judge):
            wanted = _with_inputs(instruction.expected, case)
            return Counterexample(question=clip(source), expected=clip(wanted), observed=clip(why[4:]))
        if isinstance(instruction, Effect) and instruction.compare is not None:
            compare = instruction.compare
            wanted = _with_inputs(program.source[slice(*compare.expected.span)], case)
            wanted = _as_seen(wanted) if compare.op == "equals" else f"{compare.op} {wanted}"
            return Counterexample(question=clip(source), expected=clip(wanted), observed=clip(why[4:]))
    return None


def _as_seen(literal: str) -> str:
    """A string as what was seen is written, so that the two differ only where the values do."""
    plain = literal[1:-1]
    is_string = len(literal) > 1 and literal[0] == literal[-1] == '"' and '"' not in plain and "\\" not in plain
    return repr(plain) if is_string else literal


def _with_inputs(text: str, case: Case) -> str:
    """What a check asks for, with the values of the inputs that it names."""
    for name, value in case.inputs["inputs"].items():
        text = text.replace(f"{{{{{name}}}}}", str(value))
    return text


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
            return Status.SKIPPED, "undefined: no trace item that it reads"


def _success(program: Program, trial: Record) -> Verdict:
    if trial["status"] in ("suspended", "in_doubt", "running"):
        return Status.REVIEW, _stop_reason(program, trial)
    if trial["status"] == "budget":
        return Status.TIMEOUT, _stop_reason(program, trial)
    for text, verdict, reason in trial["criteria"]:
        if verdict != "true":
            said = ": ".join(one for one in (verdict, reason, _failing_steps(program, trial, text)) if one)
            return Status.WRONG, clip(f"{text} is {said}")
    return (Status.OK, "") if trial["passed"] else (Status.WRONG, _stop_reason(program, trial))


def _failing_steps(program: Program, trial: Record, text: str) -> str:
    """The steps named by a criterion that did not pass, with their lines and reasons."""
    steps = [step for unit in program.units for step in unit.steps if f'"{step.name}"' in text]
    found = [(step, trial["steps"].get(step.label)) for step in steps]
    return "; ".join(
        f"{step.slug} (line {program.place(step.span[0])[0]}) {seen['status']}: {seen['why']}"
        for step, seen in found
        if seen is not None and seen["status"] != Status.OK
    )


def _stop_reason(program: Program, trial: Record, *, asked: bool = True) -> str:
    """Why a run stopped, with the line of the step; `asked` adds what a question asks and where its answer goes."""
    if trial["questions"]:
        question = trial["questions"][0]
        line = _line(program, question["step"])
        if not asked:
            return f"{question['step']} (line {line}) waits for an answer"
        return (  # what to do comes before the question, which may be long
            f"{question['step']} (line {line}) waits: add an answer to question {question['id']} to the file of the "
            f"suite's `answers`; it asks '{clip(question['prompt'], limit=MAX_PROMPT)}'"
        )
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
    """Where two runs first differ; empty if they are equal."""
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
