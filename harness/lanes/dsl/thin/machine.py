"""Machine: runs a program step by step; all it knows is in the log, so a fresh one goes on where another stopped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.core.digest import digest_json, short
from harness.core.status import Status
from harness.lanes.dsl.thin.eventlog import Event, EventLog, LogError
from harness.lanes.dsl.thin.program import Condition, Program, Step
from harness.lanes.dsl.thin.template import render, render_command
from harness.lanes.dsl.thin.tools import ToolFault, Tools

ENGINE = "crucible-dsl/1"
"""The meaning of programs; part of every log's first link, so a log never goes on under another meaning."""


@dataclass(frozen=True, slots=True)
class Question:
    """What a suspended machine waits for."""

    id: str
    step: str
    role: str
    prompt: str


@dataclass(slots=True)
class State:
    """What a log says, folded. Never stored."""

    position: int = 0
    values: dict[str, str] = field(default_factory=dict)
    checks: dict[str, bool] = field(default_factory=dict)
    question: Question | None = None
    intent: Event | None = None
    """An effect that was begun and of which no result is known."""
    failure: Event | None = None
    success: bool | None = None
    """What `success:` came to; None before the end, or if the program states none."""
    finished: bool = False


def genesis(program: Program, inputs: Mapping[str, str]) -> Event:
    """What a run starts from; the first link of its chain."""
    return {"engine": ENGINE, "program": program.digest, "inputs": dict(inputs)}


class Machine:
    """One run of a program.

    Args:
        program: A program that passed the checker.
        log: Its events so far.
        tools: Where effects happen.
        inputs: Variables the program starts with.
    """

    def __init__(self, program: Program, log: EventLog, tools: Tools, *, inputs: Mapping[str, str]) -> None:
        self.program, self.log, self.tools = program, log, tools
        self.state = State(values=dict(inputs))
        for event in log.events:
            self._fold(event)

    def run(self) -> State:
        """Go on until the program ends, fails or asks a question."""
        state = self.state
        while not (state.finished or state.failure or state.question):
            if state.position == len(self.program.steps):
                self._finish()
            else:
                self._step(self.program.steps[state.position])
        return state

    def answer(self, question: str, text: str, *, source: str) -> None:
        """Answer the question the machine waits for.

        Raises:
            LogError: if it waits for no question of that id; an answer never reaches another question.
        """
        if self.state.question is None or self.state.question.id != question:
            raise LogError(f"the program does not wait for question {question}")
        step = self.program.steps[self.state.position]
        self._log(
            {"type": "answered", "step": step.name, "question": question, "result": text, "source": source}
            | self._compare(step, text)
        )

    def _step(self, step: Step) -> None:
        state = self.state
        if step.actor == "llm":
            prompt = render(step.param("prompt_template"), state.values)
            role = step.param("role")
            # Bound to step and wording: an answer to an older wording has another id and is never used.
            asked = short(digest_json([ENGINE, step.name, role, prompt]))
            self._log({"type": "asked", "step": step.name, "question": asked, "role": role, "prompt": prompt})
            return
        try:
            arguments = self._arguments(step)
            if state.intent is None:
                self._log({"type": "intent", "step": step.name, "call": step.call, "arguments": arguments})
            elif step.op == "run":
                raise ToolFault(Status.CRASH, "it was begun before and may have had its effect: in doubt")
            result = getattr(self.tools, step.op)(*arguments)
        except ToolFault as fault:
            self._log({"type": "failed", "step": step.name, "status": str(fault.status), "why": fault.why})
            return
        self._log({"type": "result", "step": step.name, "result": result} | self._compare(step, result))

    def _arguments(self, step: Step) -> list[Any]:
        values = self.state.values
        if step.op == "run":
            try:
                return [render_command(step.param("cmd"), values)]
            except ValueError as error:
                raise ToolFault(Status.WRONG, f"the command cannot be split: {error}") from error
        names = ("path", "content") if step.op == "write" else ("path",)
        return [render(step.param(name), values) for name in names]

    def _compare(self, step: Step, result: str) -> Event:
        """What a check makes of a result; part of the result's own event, so a kill never comes between them."""
        if not step.is_check:
            return {}
        op = "equals" if "equals" in step.params else "contains"
        expected = render(step.param(op), self.state.values)
        held = result == expected if op == "equals" else expected in result
        return {"check": {"op": op, "expected": expected, "held": held}}

    def _finish(self) -> None:
        outcomes = [[str(condition), self._holds(condition)] for condition in self.program.success]
        success = all(held for _, held in outcomes) if outcomes else None
        self._log({"type": "finished", "conditions": outcomes, "success": success})

    def _holds(self, condition: Condition) -> bool:
        state, subject = self.state, condition.args[0].value
        if condition.op == "passed":
            return state.checks.get(subject, False)
        if condition.op == "exists":
            return subject in state.values
        wanted = render(condition.args[1].value, state.values)
        value = state.values[subject]
        return value == wanted if condition.op == "equals" else wanted in value

    def _log(self, event: Event) -> None:
        self.log.append(event)
        self._fold(event)

    def _fold(self, event: Event) -> None:
        state, kind = self.state, event["type"]
        if kind == "finished":
            state.finished, state.success = True, event["success"]
            return
        step = next((s for s in self.program.steps if s.name == event["step"]), None)
        if step is None:
            raise LogError(f"the log knows a step {event['step']!r} the program has not")
        if kind == "asked":
            state.question = Question(event["question"], step.name, event["role"], event["prompt"])
        elif kind == "intent":
            state.intent = event
        elif kind == "failed":
            state.failure = event
        else:  # result, answered
            state.position += 1
            state.intent = state.question = None
            if "check" in event:
                state.checks[step.name] = event["check"]["held"]
            if "output_var" in step.params:
                state.values[step.param("output_var")] = event["result"]
