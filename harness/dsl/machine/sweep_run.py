"""The sweep of an engineering loop: each point is a child run; the best point is the result."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from harness.core.status import Status
from harness.dsl.expressions.compiled import compiled
from harness.dsl.expressions.nodes import Frame
from harness.dsl.facts.knowledge import Knowledge
from harness.dsl.ir import Sweep
from harness.dsl.machine.external_effects import ExternalEffects
from harness.dsl.machine.machine_parts import MachineParts
from harness.dsl.machine.seeds import effect_key
from harness.dsl.machine.state import Fiber
from harness.dsl.machine.value_storage import store_value
from harness.dsl.tools.request import Request, Response
from harness.dsl.values import MismatchError, Undefined, Value, item_of, shown
from harness.sweep import search as engine
from harness.sweep.measurement import Measurement
from harness.sweep.space import Parameter, Point, Space

MAX_ITEMS = 10_000  # maximum trace items of one search; the points' log holds all of them
MAX_SHOWN = 20  # points that the event lists, best first


def begin(parts: MachineParts, fiber: Fiber, sweep: Sweep) -> str:
    """Write the intent of a search and return its key; the fiber's next instruction is the sweep.

    Points measured before a crash are not measured again, so the search as a whole is idempotent.
    """
    label = fiber.name + "|" + sweep.label
    arguments = {parameter.name: len(parameter.values) for parameter in sweep.parameters}
    occurrence = parts.recorder.state.occurrences.get(label, 0) + 1
    key = effect_key(parts.run, label, occurrence, arguments, 1)
    _write(parts, fiber, {"k": "intent", "at": sweep.label, "key": key, "name": "sweep", "args": arguments, "try": 1})
    return key


def measuring(
    parts: MachineParts, external: ExternalEffects, fiber: Fiber, sweep: Sweep
) -> Callable[[], Callable[[], None]]:
    """What runs a search that has begun; it returns what writes the result."""
    key = fiber.intent.key if fiber.intent is not None else ""
    searcher = _Searcher(parts, external, fiber, sweep, key)
    plan = engine.Plan(
        space=Space([Parameter(p.name, p.values) for p in sweep.parameters]),
        strategy=engine.Strategy(sweep.strategy),
        maximize=sweep.measure.maximize,
        points=sweep.points,
        repeats=sweep.measure.repeats,
        seed=parts.seed,
        allowed=searcher.allowed if sweep.constraint is not None else None,
    )

    def measure() -> Callable[[], None]:
        with external.points(key) as store:
            found = engine.search(
                plan,
                searcher.measure,
                store=store,
                workers=external.workers,
                retry_failed=external.retry_failed,
                progress=external.progress,
            )
            head = store.head()
        return lambda: _write_result(parts, fiber, searcher.event(found, head))

    return measure


def settle_recorded(parts: MachineParts, fiber: Fiber, recorded: Mapping[str, Any]) -> None:
    """In a replay, write the recorded result of a search."""
    known = ("k", "key", "value", "at", "status", "source", "label", "why")
    fields = {name: recorded[name] for name in known if name in recorded}
    _write_result(parts, fiber, fields | parts.tracing.observe_recorded(recorded))


class _Searcher:
    def __init__(self, parts: MachineParts, external: ExternalEffects, fiber: Fiber, sweep: Sweep, key: str) -> None:
        self._parts, self._external, self._fiber, self._sweep = parts, external, fiber, sweep
        self._key = key
        self._schema = parts.program.schema

    def allowed(self, values: Any) -> bool:
        """Whether the constraint is true for a point; undefined counts as false."""
        constraint = self._sweep.constraint
        return constraint is None or compiled(constraint)(self._frame(values)) is True

    def measure(self, point: Point, repeats: int) -> Measurement:
        """Run the command `repeats` times. Called from several threads."""
        command = compiled(self._sweep.measure.command)(self._frame(point.values))
        if type(command) is Undefined:
            return Measurement(status=str(Status.WRONG), why=f"the command is undefined: {command.reason}")
        samples: list[float] = []
        items: list[list[Any]] = []
        for repeat in range(repeats):
            response = self._external.perform(
                Request(
                    key=f"{self._key}.{point.index}.{repeat}",
                    label=f"{self._sweep.label}[{point.index}]",
                    name="tool.run",
                    arguments={"cmd": command},
                    cases=tuple(self._schema.cases[case].name for case in self._cases),
                    timeout_s=self._sweep.measure.timeout_s,
                    occurrence=repeat + 1,
                    seed=self._parts.seed,
                    time=0.0,
                )
            )
            if response.status != "ok":
                return Measurement(status=response.status, why=response.why)
            value = self._metric(response)
            if type(value) is Undefined:
                return Measurement(status=str(Status.WRONG), why=value.reason)
            samples.append(float(value))
            items += [[name, record] for name, record in response.items]
        broken = self._broken(items)
        if broken:
            return Measurement(status=str(Status.WRONG), why=f"it breaks the invariant {broken}")
        return Measurement(samples=tuple(samples), detail={"items": items} if items else {})

    def _broken(self, items: list[list[Any]]) -> str:
        """The first invariant that the items of one point break, on their own; empty if none."""
        knowledge = Knowledge(self._parts.program)
        for name, record in items:
            case = self._schema.find(name)
            if case in self._cases:
                with suppress(MismatchError):
                    for found in knowledge.observe(case, item_of(self._schema.cases[case], record), 0).broken:
                        return found.invariant
        return ""

    @property
    def _cases(self) -> tuple[int, ...]:
        """The cases that a point can report: those of the loop, and those that invariants are about."""
        case = self._sweep.measure.case
        judged = [case for one in self._parts.program.invariants if not one.parameters for case in one.cases]
        return tuple(dict.fromkeys((*self._sweep.emits, *((case,) if case >= 0 else ()), *judged)))

    def _frame(self, values: Any) -> Frame:
        frame = self._parts.stepper.frame(self._fiber)
        slots = list(frame.slots)
        for parameter in self._sweep.parameters:
            slots[parameter.slot] = values[parameter.name]
        return Frame(slots, frame.state, frame.trace, frame.verdicts, frame.hints)

    def _metric(self, response: Response) -> Value:
        measure = self._sweep.measure
        if measure.case < 0:
            return _printed(response.value, measure.metric)
        case = self._schema.cases[measure.case]
        for name, record in reversed(response.items):
            if self._schema.find(name) == measure.case:
                try:
                    return item_of(case, record)[case.slot(measure.metric)]
                except MismatchError as error:
                    return Undefined(f"{case.name}: {error}")
        return Undefined(f"it reported no {case.name}")

    def event(self, found: engine.Result, head: str) -> dict[str, Any]:
        """The event of a finished search."""
        sweep, best, failed = self._sweep, found.best, found.failed
        source = {
            "points": head,
            "left_out": found.left_out,
            "failures": [
                [dict(e.point.values), e.measurement.status, e.measurement.why[:200]] for e in failed[:MAX_SHOWN]
            ],
        }
        if best is None:
            return self._nothing(failed, source)
        value = {
            **best.point.values,
            sweep.measure.metric: best.measurement.value,
            "points": len(found.ranking) + len(failed),
            "failed": len(failed),
        }
        source |= {
            "interval": list(best.measurement.interval or ()),
            "samples": len(best.measurement.samples),
            "rivals": len(found.rivals),
            "ranking": [[dict(e.point.values), e.measurement.value, e.rung] for e in found.ranking[:MAX_SHOWN]],
        }
        traced: dict[str, list[Any]] = {}
        self._trace(found, traced)
        stored_value = store_value(value, self._parts.fold.blobs)
        return {"k": "result", "key": self._key, "value": stored_value, "at": self._after(), **traced, "source": source}

    def _nothing(self, failed: tuple[engine.Entry, ...], source: dict[str, Any]) -> dict[str, Any]:
        """The event of a search in which no point could be measured: a failure, or simulated if all points were."""
        first = failed[0].measurement if failed else None
        why = f"no point could be measured: {first.status}: {first.why}" if first else "no point is allowed"
        if failed and all(entry.measurement.status == "simulated" for entry in failed):
            value = store_value(Undefined(f"simulated: {why}"), self._parts.fold.blobs)
            at = self._after()
            return {"k": "result", "key": self._key, "value": value, "at": at, "status": "simulated", "source": source}
        status = first.status if first else str(Status.WRONG)
        return {
            "k": "failed", "key": self._key, "label": self._sweep.label, "status": status, "why": why, "source": source
        }  # fmt: skip

    def _after(self) -> str:
        call = self._fiber.call
        return self._parts.program.units[call.unit].code[call.pc + 1].label

    def _trace(self, found: engine.Result, traced: dict[str, list[Any]]) -> None:
        """Trace the items of all points, in the order of the points."""
        count = 0
        for entry in sorted(found.ranking, key=lambda entry: entry.point.index):
            for name, record in entry.measurement.detail.get("items", ()):
                case = self._schema.find(name)
                if case not in self._sweep.emits or count >= MAX_ITEMS:
                    continue
                try:
                    item = item_of(self._schema.cases[case], record)
                except MismatchError:
                    continue  # the point's log still holds it
                count += 1
                self._parts.tracing.observe(traced, case, item, f"{self._key}.{entry.point.index}")


def _printed(text: Value, metric: str) -> Value:
    """The number of the last `metric: number` line of a command's output."""
    if not isinstance(text, str):
        return Undefined(f"the command printed {shown(text)}")
    found = re.findall(rf"(?m)^[ \t]*{re.escape(metric)}[ \t]*[:=][ \t]*([-+.0-9eE]+)", text)
    if not found:
        return Undefined(f"it printed no line `{metric}: <number>`")
    try:
        return float(found[-1])
    except ValueError:
        return Undefined(f"{metric}: {found[-1]!r} is not a number")


def _write_result(parts: MachineParts, fiber: Fiber, event: dict[str, Any]) -> None:
    if event["k"] == "failed":
        parts.stepper.fail(fiber, event)
    else:
        _write(parts, fiber, event)


def _write(parts: MachineParts, fiber: Fiber, event: dict[str, Any]) -> None:
    if fiber.name:
        event["s"] = fiber.name
    parts.recorder.write(event)
