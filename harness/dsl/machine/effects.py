"""Effects: writing the intent of an effect, its request, and its result as the type that the program expects."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from harness.dsl.expressions.compiled import compiled
from harness.dsl.expressions.operations import matches, text
from harness.dsl.ir import Answerer, Effect
from harness.dsl.machine import timers
from harness.dsl.machine.external_effects import Query
from harness.dsl.machine.machine_parts import MachineParts
from harness.dsl.machine.program_layout import enclosing_check
from harness.dsl.machine.seeds import effect_key, question_id
from harness.dsl.machine.state import Fiber, Intent
from harness.dsl.machine.typed_reply import typed
from harness.dsl.machine.value_storage import restore_value, store_value
from harness.dsl.tools.request import Request, Response
from harness.dsl.types import json_schema
from harness.dsl.values import MismatchError, Undefined, Value, item_of, shown

PROMPTS = ("prompt", "prompt_template")


class Effects:
    """Begins and settles the effects of one run."""

    def __init__(self, parts: MachineParts) -> None:
        self._program, self._run, self._seed = parts.program, parts.run, parts.seed
        self._fold, self._recorder, self._stepper, self._tracing = (
            parts.fold,
            parts.recorder,
            parts.stepper,
            parts.tracing,
        )

    def begin(self, fiber: Fiber, effect: Effect) -> str:
        """Write the intent and return the effect's key; empty if it failed because an argument is undefined."""
        frame = self._stepper.frame(fiber)
        arguments: dict[str, Value] = {}
        for name, expression in effect.arguments:
            value = compiled(expression)(frame)
            undefined = _undefined(value)
            if undefined is not None:
                # What depends on a simulated value is simulated too, not wrong.
                status = "simulated" if undefined.reason.startswith("simulated: ") else "wrong"
                self._fail(fiber, effect, Response(status, why=f"{name} is undefined: {undefined.reason}"), "")
                return ""
            arguments[name] = value
        if effect.name == "wait":
            wrong = timers.wrong_amount(arguments)
            if wrong:
                self._fail(fiber, effect, Response("wrong", why=wrong), "")
                return ""
            arguments["from"] = self._recorder.state.used.time
        kept = {name: store_value(value, self._fold.blobs) for name, value in arguments.items()}
        occurrence = self._occurrence(fiber, effect) + (fiber.tries == 0)
        label = fiber.name + "|" + effect.label
        attempt = fiber.tries + 1
        event: dict[str, Any] = {
            "k": "intent" if effect.who is Answerer.TOOL else "asked",
            "at": effect.label,
            "key": effect_key(self._run, label, occurrence, kept, attempt),
            "name": f"{effect.who}.{effect.name}",
            "args": kept,
            "try": attempt,
        }
        if effect.who is not Answerer.TOOL:
            prompt, role = _prompt(arguments)
            event["schema"] = json_schema(effect.answer)
            event["id"] = question_id(label, occurrence, role, prompt, event["schema"])
        self._write(fiber, event)
        return str(event["key"])

    def request(self, fiber: Fiber, effect: Effect, seconds: float = math.inf) -> Request:
        """The request to the tools, to be done within some seconds; the fiber has an intent."""
        intent = _intent(fiber)
        return Request(
            key=intent.key,
            label=fiber.name + "|" + effect.label,
            name=intent.name,
            arguments=intent.arguments,
            cases=tuple(self._program.schema.cases[case].name for case in effect.emits),
            timeout_s=_shorter(effect.timeout_s, seconds),
            occurrence=self._occurrence(fiber, effect),
            seed=self._seed,
            time=self._recorder.state.used.time,
        )

    def query(self, fiber: Fiber, effect: Effect, seconds: float = math.inf) -> Query:
        """The question to the model or the person, to be answered within some seconds; the fiber has an intent."""
        intent = _intent(fiber)
        prompt, role = _prompt(intent.arguments)
        return Query(
            key=intent.key,
            id=intent.question,
            label=effect.label,
            role=role,
            prompt=prompt,
            answer=effect.answer,
            schema=json_schema(effect.answer),
            # A model may answer a person's question if the program says so.
            to=str(Answerer.LLM if intent.arguments.get("by") == "any" else effect.who),
            parameters={k: v for k, v in intent.arguments.items() if k not in (*PROMPTS, "role", "by")},
            occurrence=intent.occurrence,
            timeout_s=_shorter(effect.timeout_s, seconds),
        )

    def settle(self, fiber: Fiber, effect: Effect, response: Response) -> None:
        """Write the response; the program continues, tries again, or fails."""
        intent = _intent(fiber)
        if response.status not in ("ok", "simulated"):
            self._fail(fiber, effect, response, intent.key)
            return
        if response.recorded is not None:
            self._replay(fiber, effect, response.recorded, intent.key)
            return
        if response.status == "simulated":
            value: Value = Undefined(f"simulated: {response.why}")
        else:
            try:
                tools = effect.who is Answerer.LLM and "tools" in intent.arguments
                foreign = effect.who is not Answerer.TOOL
                value = typed(response.value, effect.answer, foreign=foreign, calls=tools)
            except MismatchError as error:
                wrong = Response("protocol", why=f"the answer is not {effect.answer}: {error}", source=response.source)
                self._fail(fiber, effect, wrong, intent.key)
                return
        traced: dict[str, list[Any]] = {}
        notes = self._trace(traced, effect, response, intent.key)
        event = self._result(fiber, effect, intent.key, value) | traced
        if response.status != "ok":
            event["status"] = response.status
        if response.source:
            event["source"] = dict(response.source)
        if response.tokens:
            event["tokens"] = response.tokens
        if notes:
            event["notes"] = notes
        self._write(fiber, event)

    def _result(self, fiber: Fiber, effect: Effect, key: str, value: Value) -> dict[str, Any]:
        """The event of a result, without the parts that come from the response."""
        event: dict[str, Any] = {
            "k": "result" if effect.who is Answerer.TOOL else "answered",
            "key": key,
            "value": store_value(value, self._fold.blobs),
        }
        held = True
        if effect.compare is not None:
            held, seen = self._compare(fiber, effect, value)
            event["judged"] = [[effect.label, self._name(fiber, effect), held, seen]]
        if effect.name == "wait" and fiber.intent is not None and isinstance(value, int | float):
            event["time"] = timers.started(fiber.intent) + value
        return event | {"at": self._following(fiber, held=held)}

    def _replay(self, fiber: Fiber, effect: Effect, recorded: Mapping[str, Any], key: str) -> None:
        """Write the event of a recorded result: fields of the response are taken from it, the rest is computed."""
        event = self._result(fiber, effect, key, restore_value(recorded["value"], self._fold.blobs))
        event |= self._tracing.observe_recorded(recorded)
        event |= {name: recorded[name] for name in ("status", "source", "tokens", "notes") if name in recorded}
        self._write(fiber, event)

    def _trace(self, traced: dict[str, list[Any]], effect: Effect, response: Response, key: str) -> list[list[str]]:
        """Trace the reported items; return notes on the items that were ignored."""
        notes: list[list[str]] = []
        schema = self._program.schema
        unmeasured = str(response.source.get("unmeasured", "")) if response.source else ""
        for name, record in response.items:
            case = schema.find(name)
            if case not in effect.emits:
                known = ", ".join(schema.cases[c].name for c in effect.emits) or "none"
                notes.append([effect.label, f"a trace item of case {name!r} was ignored; it may report {known}"])
                continue
            try:
                item = item_of(schema.cases[case], record, unmeasured=unmeasured)
            except MismatchError as error:
                notes.append([effect.label, f"a trace item was ignored: {name}: {error}"])
                continue
            self._tracing.observe(traced, case, item, key)
        return notes

    def _fail(self, fiber: Fiber, effect: Effect, response: Response, key: str) -> None:
        event: dict[str, Any] = {
            "k": "failed",
            "label": effect.label,
            "status": response.status,
            "why": response.why,
            "try": fiber.tries + 1,
        }
        if key:
            event["key"] = key
        if response.source:
            event["source"] = dict(response.source)
        retry = effect.retry
        may_retry = key and response.may_retry and (not retry.on or response.status in retry.on)
        if may_retry and fiber.tries + 1 < retry.attempts:
            event |= {"again": True, "wait": retry.backoff_s * 2**fiber.tries}
        elif effect.catches:
            event |= {"caught": True, "at": self._following(fiber, held=True)}
        elif self._check(fiber) is not None:
            event["judged"] = [
                [effect.label, self._name(fiber, effect), False, f"undefined: {response.status}: {response.why}"]
            ]
            event["at"] = self._following(fiber, held=False)
        else:
            self._stepper.fail(fiber, event)
            return
        self._write(fiber, event)

    def _compare(self, fiber: Fiber, effect: Effect, value: Value) -> tuple[bool, str]:
        comparison = effect.compare
        if comparison is None or type(value) is Undefined:
            return False, f"undefined: {value.reason}" if type(value) is Undefined else ""
        expected = self._stepper.evaluate(fiber, comparison.expected)
        if type(expected) is Undefined:
            return False, f"undefined: {expected.reason}"
        if comparison.op == "matches":
            found = matches(value, expected)
            return found is True, f"undefined: {found.reason}" if type(found) is Undefined else shown(value, limit=200)
        return _holds(comparison.op, value, expected), shown(value, limit=200)

    def _following(self, fiber: Fiber, *, held: bool) -> str:
        """Label of the next instruction; after a failed check, the one after the check."""
        unit, call = self._program.units[fiber.call.unit], fiber.call
        if held:
            return unit.code[call.pc + 1].label
        check = self._check(fiber)
        if check is None:
            return unit.code[call.pc + 1].label
        leave = self._fold.layout.units[call.unit].leave_of[unit.steps.index(check)]
        return unit.code[leave + 1].label

    def _check(self, fiber: Fiber) -> Any:
        call = fiber.call
        return enclosing_check(self._program.units[call.unit], self._fold.layout.units[call.unit], call.pc)

    def _name(self, fiber: Fiber, effect: Effect) -> str:
        check = self._check(fiber)
        return str(check.name) if check is not None else effect.label

    def _occurrence(self, fiber: Fiber, effect: Effect) -> int:
        return self._recorder.state.occurrences.get(fiber.name + "|" + effect.label, 0)

    def _write(self, fiber: Fiber, event: dict[str, Any]) -> None:
        if fiber.name:
            event["s"] = fiber.name
        self._recorder.write(event)


def _shorter(stated: float | None, seconds: float) -> float | None:
    """The shorter of two time limits; None if there is none."""
    found = seconds if stated is None else min(stated, seconds)
    return None if found == math.inf else found


def _intent(fiber: Fiber) -> Intent:
    if fiber.intent is None:
        raise RuntimeError("no effect was begun")
    return fiber.intent


def _undefined(value: Value) -> Undefined | None:
    if type(value) is Undefined:
        return value
    if isinstance(value, list | dict):
        items = value.values() if isinstance(value, dict) else value
        return next((found for item in items if (found := _undefined(item)) is not None), None)
    return None


def _prompt(arguments: Mapping[str, Value]) -> tuple[str, str]:
    prompt = next((arguments[name] for name in PROMPTS if name in arguments), "")
    return str(prompt), str(arguments.get("role", ""))


def _holds(op: str, value: Value, expected: Value) -> bool:
    match op:
        case "equals" | "==":
            return _same(value, expected)
        case "!=":
            return not _same(value, expected)
        case "contains":
            return text(expected) in value if isinstance(value, str) else isinstance(value, list) and expected in value
    number, bound = _number(value), _number(expected)
    if number is None or bound is None:
        return False
    match op:
        case "<":
            return number < bound
        case "<=":
            return number <= bound
        case ">":
            return number > bound
        case ">=":
            return number >= bound
    raise ValueError(f"unknown comparison {op!r}")


def _same(value: Value, expected: Value) -> bool:
    if isinstance(value, str) != isinstance(expected, str):
        value, expected = _number(value), _number(expected)
        return value is not None and value == expected
    return bool(value == expected) and isinstance(value, bool) == isinstance(expected, bool)


def _number(value: Value) -> float | None:
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
