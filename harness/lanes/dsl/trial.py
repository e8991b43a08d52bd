"""Trial: one run of a program until it ends, fails or waits for an answer that is not given; its record is JSON."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.core.clip import clip
from harness.dsl.ir import Program
from harness.dsl.machine import export
from harness.dsl.machine.outcome import Outcome
from harness.dsl.machine.replay import replay
from harness.dsl.machine.run_files import LOG
from harness.dsl.machine.session import Session
from harness.dsl.machine.settings import RunSettings
from harness.dsl.values import Undefined
from harness.providers.file import Answers
from harness.sandbox.pool import BoxPool

REPLAYS = 2
MAX_OPEN = 5  # questions of which the report has the whole text
MAX_PROMPT = 20_000  # characters of one
MAX_EVENTS = 5_000  # events whose hashes a trial keeps, to find where two runs first differ


@dataclass(frozen=True, slots=True)
class Trial:
    """The arguments of one run.

    Attributes:
        answers: To its questions, by id.
        files: Initial content of its work folder, by path.
    """

    program: Program
    inputs: dict[str, Any]
    answers: Answers
    settings: RunSettings
    seed: int
    files: Mapping[str, bytes] = field(default_factory=dict)


def run_trial(trial: Trial, folder: Path, boxes: BoxPool | None) -> dict[str, Any]:
    """Run a program, or resume the run of a process that died; the record that cases read, as JSON.

    Every answer goes to a new session that reads only the log, so each question tests suspend and resume.
    """
    started, resumed = time.perf_counter(), 0
    if (folder / LOG).exists():
        session = Session.resume(folder, boxes=boxes)
    else:
        session = Session.start(
            trial.program,
            folder,
            inputs=trial.inputs,
            seed=trial.seed,
            settings=trial.settings,
            files=trial.files,
            boxes=boxes,
        )
    try:
        began = time.perf_counter()
        outcome = session.run()
        while outcome.status == "suspended" and _answer_one(session, outcome, trial.answers):
            session.close()
            session = Session.resume(folder, boxes=boxes)
            outcome, resumed = session.run(), resumed + 1
        wall = time.perf_counter() - began
        record = _record(session, outcome, trial)
        record["used"]["wall_s"] = wall  # not in the log: the log depends on no clock
        return record | {"resumed": resumed, "seconds": time.perf_counter() - started}
    finally:
        session.close()


def _answer_one(session: Session, outcome: Outcome, answers: Answers) -> bool:
    for question in outcome.questions:
        answer = answers.find(question.id)
        if answer is not None:
            session.answer(question.id, answer.text, source=answer.source)
            return True
    return False


def _record(session: Session, outcome: Outcome, trial: Trial) -> dict[str, Any]:
    program, log, knowledge = session.program, session.log, session.machine.knowledge
    replays = [replay(program, log) for _ in range(REPLAYS)]
    diverged = next((found.divergence for found in replays if found.divergence is not None), None)
    chain = [
        [str(event.value.get("at", "")), event.hash.hex()]
        for event, _ in zip(log.events(), range(MAX_EVENTS), strict=False)
    ]
    return {
        "status": outcome.status,
        "passed": outcome.passed,
        "why": clip(outcome.why),
        "head": outcome.head,
        "events": outcome.events,
        "chain": chain,
        "steps": {step.label: {"status": step.status, "why": clip(step.why)} for step in outcome.steps},
        "questions": [
            {"id": question.id, "step": question.label, "prompt": clip(question.prompt)}
            for question in outcome.questions
        ],
        "open": [
            {"id": one.id, "step": one.label, "prompt": one.prompt[:MAX_PROMPT], "schema": dict(one.schema)}
            for one in outcome.questions[:MAX_OPEN]
        ],
        "criteria": [list(criterion) for criterion in outcome.criteria],
        "invariants": {i.name: knowledge.status(i) for i in program.invariants},
        "facts": {fact.name: _verdict(value) for fact, value in zip(program.facts, knowledge.verdicts, strict=True)},
        "hints": [clip(hint) for hint in knowledge.hints],
        "used": dict(outcome.used),
        "diverged": clip(str(diverged)) if diverged is not None else "",
        "asked": sum(1 for event in log.events() if event.value["k"] == "asked"),
        "timeline": export.timeline(program, log)[:1_000],
        "durability": str(trial.settings.durability),
    }


def _verdict(value: Any) -> str:
    return f"undefined: {clip(value.reason)}" if isinstance(value, Undefined) else str(value).lower()
