"""The dsl lane: does a program do what it states, and the same every time?"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.context import Context
from harness.core.case import Case, Subject, slug
from harness.core.digest import digest_bytes
from harness.core.errors import InfraError, SuiteError
from harness.core.evidence import Attempt, Counterexample, Evidence, clip
from harness.core.policy import Policy
from harness.core.score import Component, Score, judge
from harness.core.status import Status, first_of
from harness.core.tier import Tier
from harness.hooks import Lane, hookimpl
from harness.lanes.dsl.thin.answers import Answers, read_answers
from harness.lanes.dsl.thin.checker import check_program
from harness.lanes.dsl.thin.eventlog import EventLog
from harness.lanes.dsl.thin.machine import Machine, State, genesis
from harness.lanes.dsl.thin.program import Program, ProgramError, Step, parse_program
from harness.lanes.dsl.thin.tools import Tools
from harness.suite import Suite, SuiteOptions

SUCCESS = "success"
_LEAST_ATTEMPTS = 2  # one run alone says nothing about determinism


class DslOptions(SuiteOptions):
    """A suite of one program."""

    program: str
    """The program's file."""
    answers: str = ""
    """Answers to its questions, bound to the questions' ids."""
    inputs: dict[str, str] = {}
    """Variables the program starts with."""
    live: bool = False
    """Whether questions may go to a live model; answers come from the file otherwise."""


class DslLane:
    """Programs of steps; each step, each check and the success condition is a case of its own."""

    name = "dsl"
    options: type[SuiteOptions] = DslOptions
    untrusted: tuple[str, ...] = ("program",)
    boxed = False
    min_tier: Tier | None = None

    def collect(self, suite: Suite) -> Sequence[Case]:
        """One case per step, check and success; a program that is none becomes one case that says so."""
        options = suite.options
        if not isinstance(options, DslOptions):
            raise TypeError(type(options).__name__)
        if options.live:
            raise SuiteError(
                "no live model is connected to programs", where=suite.where("live"), fix="live: false, with answers:"
            )
        path = suite.resolve(options.program, "program")
        data = path.read_bytes()
        inputs: dict[str, Any] = {
            "program": {"path": str(path), "digest": digest_bytes(data)},
            "answers": None,
            "inputs": options.inputs,
        }
        if options.answers:
            answers = suite.resolve(options.answers, "answers")
            read_answers(answers)
            inputs["answers"] = {"path": str(answers), "digest": digest_bytes(answers.read_bytes())}
        stem = slug(path.stem)
        cases = []
        for part in _parts(data):
            name = f"{stem}::{slug(part.name)}" if part.name else stem
            subject = Subject.from_bytes(f"{stem}.{part.name}" if part.name else stem, part.source, path=path)
            parents = (digest_bytes(data),) if part.name else ()
            cases.append(
                Case(
                    lane=self.name,
                    suite=suite.name,
                    name=name,
                    title=f"{part.kind} {part.name}".strip(),
                    subject=subject.model_copy(update={"parents": parents}),
                    inputs={**inputs, "part": part.name, "kind": part.kind},
                    policy=suite.policy,
                    line=part.line,
                )
            )
        return cases

    def evaluate(self, case: Case, context: Context) -> Evidence:
        """Run the whole program several times, each in a new folder, and look at the case's part of it."""
        started = time.perf_counter()
        data = _same(case.inputs["program"])
        inputs: dict[str, str] = case.inputs["inputs"]
        where = Path(case.inputs["program"]["path"]).name
        try:
            program = parse_program(data)
            problems = check_program(program, inputs)
        except ProgramError as error:
            problems = [error]
        if problems:
            listed = [f"{where}:{clip(str(problem))}" for problem in problems]
            why = listed[0] + (f" (and {len(listed) - 1} more)" if len(listed) > 1 else "")
            facts = {"problems": listed[:20], "kind": case.inputs["kind"]}
            return Evidence(status=Status.WRONG, why=why, facts=facts, seconds=time.perf_counter() - started)
        answers = Answers(answers=())
        if case.inputs["answers"] is not None:
            _same(case.inputs["answers"])
            answers = read_answers(Path(case.inputs["answers"]["path"]))
        runs = [
            _run(program, answers, inputs, context, hash_seed=index, timeout=case.policy.budget.time_ms / 1000)
            for index in range(max(_LEAST_ATTEMPTS, case.policy.attempts))
        ]
        return _evidence(case, program, runs, seconds=time.perf_counter() - started)

    def score(self, evidence: Evidence, policy: Policy) -> Score:
        """Success of this part, and whether every run wrote the same log."""
        known = evidence.status not in (Status.REVIEW, Status.SKIPPED)  # else this part was never reached
        success = float(evidence.status in (Status.OK, Status.FLAKY)) if known else None
        determinism = float(evidence.stable) if evidence.attempts else None
        return judge(
            evidence,
            policy,
            (
                Component(name="success", value=success, weight=0.6, why=evidence.why),
                Component(
                    name="determinism",
                    value=determinism if evidence.attempts else 0.0,
                    weight=0.4,
                    why="heads of the logs differ" if determinism == 0 else "" if evidence.attempts else evidence.why,
                ),
            ),
            explanation=evidence.why
            or f"{evidence.facts.get('events', 0)} events, {len(evidence.attempts)} equal runs",
        )


@dataclass(frozen=True, slots=True)
class _Part:
    name: str
    kind: str
    source: bytes
    line: int | None


@dataclass(frozen=True, slots=True)
class _Run:
    state: State
    events: list[dict[str, Any]]
    head: str
    resumed: int
    seconds: float


def _parts(data: bytes) -> Iterator[_Part]:
    try:
        program = parse_program(data)
    except ProgramError as error:
        yield _Part("", "program", data, error.line)
        return
    seen = set()
    for step in program.steps:
        if step.name not in seen:  # a name given twice is the checker's to report, not a second item of the same id
            yield _Part(step.name, "check" if step.is_check else "step", step.source.encode(), step.line)
        seen.add(step.name)
    if program.success and SUCCESS not in seen:
        conditions = " ".join(map(str, program.success))
        yield _Part(SUCCESS, "success", conditions.encode(), program.success_line)


def _same(entry: dict[str, str]) -> bytes:
    data = Path(entry["path"]).read_bytes()
    if digest_bytes(data) != entry["digest"]:
        raise InfraError("the file changed since it was collected", where=entry["path"], fix="run again")
    return data


def _run(
    program: Program, answers: Answers, inputs: dict[str, str], context: Context, *, hash_seed: int, timeout: float
) -> _Run:
    """One run to its end, its failure or a question nobody has answered.

    Every answer reaches a fresh machine that knows only the log, so each question proves suspend and resume.
    """
    started = time.perf_counter()
    context.scratch.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="dsl-", dir=context.scratch))
    try:
        tools = Tools(folder / "work", timeout=timeout, hash_seed=hash_seed)
        tools.folder.mkdir()
        log = EventLog(folder / "events.jsonl", genesis(program, inputs))
        state, resumed = Machine(program, log, tools, inputs=inputs).run(), 0
        while state.question is not None:
            answer = answers.find(state.question.id)
            if answer is None:
                break
            log = EventLog(folder / "events.jsonl", genesis(program, inputs))
            machine = Machine(program, log, tools, inputs=inputs)
            machine.answer(state.question.id, answer.answer, source=answer.source)
            state, resumed = machine.run(), resumed + 1
        return _Run(state, log.events, log.head, resumed, time.perf_counter() - started)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _evidence(case: Case, program: Program, runs: list[_Run], *, seconds: float) -> Evidence:
    verdicts = [_verdict(case, program, run) for run in runs]
    status = first_of(v[0] for v in verdicts)
    why, counterexample = next((v[1], v[2]) for v in verdicts if v[0] is status)
    heads = [run.head for run in runs]
    if len(set(heads)) > 1 and status.precedence > Status.FLAKY.precedence:
        status, why = Status.FLAKY, _difference(program, runs)
    first = runs[0]
    return Evidence(
        status=status,
        why=why,
        counterexample=counterexample,
        attempts=tuple(
            Attempt(index=i, seed=0, hash_seed=i, status=v[0], why=clip(v[1]), answers=run.head, seconds=run.seconds)
            for i, (run, v) in enumerate(zip(runs, verdicts, strict=True))
        ),
        facts={
            "kind": case.inputs["kind"],
            "head": first.head,
            "events": len(first.events),
            "resumed": first.resumed,
            "questions": [
                {"id": e["question"], "step": e["step"], "prompt": clip(e["prompt"])}
                for e in first.events
                if e["type"] == "asked"
            ],
            "success": first.state.success,
            "prose": program.prose,
        },
        tier=Tier.D if any(step.op == "run" for step in program.steps) else None,
        seconds=seconds,
    )


def _verdict(case: Case, program: Program, run: _Run) -> tuple[Status, str, Counterexample | None]:
    """What one run says about one part of the program."""
    name, kind = case.inputs["part"], case.inputs["kind"]
    state = run.state
    stopped = _stopped(program, run)
    if kind == SUCCESS:
        if state.finished:
            conditions = run.events[-1]["conditions"]
            broken = [text for text, held in conditions if not held]
            return (Status.WRONG, clip(f"{broken[0]} does not hold"), None) if broken else (Status.OK, "", None)
        return (Status.REVIEW if state.question else Status.WRONG), stopped, None
    for event in run.events:
        if event.get("step") != name:
            continue
        if event["type"] == "failed":
            return Status(event["status"]), clip(event["why"]), None
        if event["type"] in ("result", "answered"):
            if event.get("check", {}).get("held", True):
                return Status.OK, "", None
            check = event["check"]
            counterexample = Counterexample(
                question=f"{name} {check['op']}", expected=clip(check["expected"]), observed=clip(event["result"])
            )
            why = f"{clip(event['result'], limit=120)!r} is not what it {check['op']}: {check['expected']!r}"
            return Status.WRONG, clip(why), counterexample
    if state.question is not None and state.question.step == name:
        return Status.REVIEW, stopped, None
    return Status.SKIPPED, f"not reached: {stopped}", None


def _stopped(program: Program, run: _Run) -> str:
    steps: dict[str, Step] = {step.name: step for step in program.steps}
    if run.state.question is not None:
        question = run.state.question
        return f"step {question.step} (line {steps[question.step].line}) waits for an answer to question {question.id}"
    if run.state.failure is not None:
        failure = run.state.failure
        return clip(f"step {failure['step']} (line {steps[failure['step']].line}) failed: {failure['why']}")
    return "the program did not end"


def _difference(program: Program, runs: list[_Run]) -> str:
    """The first event in which two runs differ."""
    lines = {step.name: step.line for step in program.steps}
    for run in runs[1:]:
        for a, b in zip(runs[0].events, run.events, strict=False):
            if a != b:
                name = a.get("step", SUCCESS)
                return f"runs differ first at {name} (line {lines.get(name, program.success_line)})"
    return "one run has more events than another"


@hookimpl
def crucible_lanes() -> list[Lane]:
    """The built-in lane of programs."""
    return [DslLane()]
