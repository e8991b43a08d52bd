"""Fold: the effect of an event on the state. Running and loading use the same function, so they cannot differ."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.core.digest import digest_json, short
from harness.dsl.eventlog.fault import LogError
from harness.dsl.facts.knowledge import Knowledge
from harness.dsl.facts.record import from_json
from harness.dsl.ir import Await, Effect, Fork, Program, Run, Sweep, Target
from harness.dsl.machine.program_layout import Layout
from harness.dsl.machine.segment import Segment, Shape
from harness.dsl.machine.state import Call, Fiber, Intent, Judgement, State, value_of_check
from harness.dsl.machine.value_storage import BlobStore, restore_value
from harness.dsl.values import Undefined, Value

Event = Mapping[str, Any]


class Fold:
    """Applies events to a state and its knowledge.

    Args:
        knowledge: Trace, verdicts and hints; changed together with the state.
    """

    def __init__(self, program: Program, layout: Layout, blobs: BlobStore, knowledge: Knowledge) -> None:
        self.program, self.layout, self.blobs, self.knowledge = program, layout, blobs, knowledge

    def initial(self) -> State:
        """The state before any event."""
        unit = self.program.main
        values: list[Value] = [Undefined(f"{v.name} has no value yet") for v in self.program.state]
        return State(Fiber("", [Call(unit, 0, self.empty_slots(unit))]), values)

    def empty_slots(self, unit: int) -> list[Value]:
        """The slots of a unit before any is bound."""
        return [Undefined(f"{variable.name} has no value yet") for variable in self.program.units[unit].slots]

    def apply(self, state: State, event: Event, seq: int, *, live: bool = False) -> None:
        """Apply an event to the state.

        Args:
            state: Changed in place.
            live: Whether the machine has just executed it: variables are bound and items are traced already.

        Raises:
            LogError: if the event does not fit the program.
        """
        try:
            getattr(self, "_" + event["k"])(state, event, seq, live)
        except (KeyError, IndexError, AttributeError, TypeError, ValueError) as error:
            what = f"event {seq} does not fit the program ({type(error).__name__}: {error})"
            fix = "`crucible dsl verify` tests the log for damage; a changed program needs `upgrade`"
            raise LogError(what, fix=fix) from error

    # Each kind of event has a method with its name.

    def _began(self, state: State, event: Event, _seq: int, live: bool) -> None:
        if not live:
            self._bind(state, state.root, event)

    def _ran(self, state: State, event: Event, seq: int, live: bool) -> None:
        fiber = state.root.find(event.get("s", ""))
        if not live:
            self._bind(state, fiber, event)
            self._traced(state, event, seq)
        self.apply_move(state, fiber, event)
        self._common(state, event)

    def apply_move(self, state: State, fiber: Fiber, event: Event) -> None:
        """Count the steps and loops of a segment, and set the program counter."""
        call = fiber.call
        entered = event.get("enter", ())
        for label in entered:
            state.entered[label] = state.entered.get(label, 0) + 1
        for label in event.get("left", ()):
            state.left[label] = state.left.get(label, 0) + 1
            if fiber.deadlines:
                fiber.deadlines = [one for one in fiber.deadlines if one[0] != label]
        call.steps += len(entered)
        call.iterations += event.get("loops", 0)
        self._go(fiber, event["at"])

    def apply_segment(self, state: State, fiber: Fiber, segment: Segment, pc: int) -> None:
        """Like `apply_move`, for a segment that was just executed."""
        call = fiber.call
        if segment.entered:
            entered = state.entered
            for label in segment.entered:
                entered[label] = entered.get(label, 0) + 1
            call.steps += len(segment.entered)
        if segment.left:
            left = state.left
            for label in segment.left:
                left[label] = left.get(label, 0) + 1
                if fiber.deadlines:
                    fiber.deadlines = [one for one in fiber.deadlines if one[0] != label]
        call.iterations += segment.loops
        call.pc = pc
        if fiber.end >= 0:
            self._check_end(fiber)

    def apply_shape(self, state: State, fiber: Fiber, shape: Shape, pc: int, loops: int) -> None:
        """Like `apply_segment`, for a segment of a known shape, outside of branches."""
        call, entered, left = fiber.calls[-1], state.entered, state.left
        for label in shape.entered:
            entered[label] = entered.get(label, 0) + 1
        for label in shape.left:
            left[label] = left.get(label, 0) + 1
        if fiber.deadlines:
            fiber.deadlines = [one for one in fiber.deadlines if one[0] not in shape.left]
        call.steps += len(shape.entered)
        call.iterations += loops
        call.pc = pc

    def _armed(self, state: State, event: Event, seq: int, _live: bool) -> None:
        fiber = state.root.find(event.get("s", ""))
        kept = [one for one in fiber.deadlines if one[0] != event["step"]]
        fiber.deadlines = [*kept, (event["step"], event["seconds"], seq)]
        self._go(fiber, event["at"])

    def _sent(self, state: State, event: Event, _seq: int, _live: bool) -> None:
        state.sent.append(event["id"])
        fields = restore_value(event["fields"], self.blobs)
        state.queue.append((event["event"], fields if isinstance(fields, dict) else {}))

    def _cancelled(self, state: State, event: Event, _seq: int, _live: bool) -> None:
        state.status, state.ended = "cancelled", dict(event)

    def _called(self, state: State, event: Event, _seq: int, _live: bool) -> None:
        fiber = state.root.find(event.get("s", ""))
        unit = event["unit"]
        fiber.calls.append(Call(unit, 0, self.empty_slots(unit)))
        self._bind(state, fiber, event)

    def _returned(self, state: State, event: Event, _seq: int, _live: bool) -> None:
        fiber = state.root.find(event.get("s", ""))
        fiber.calls.pop()
        call = fiber.call
        instruction = self.program.units[call.unit].code[call.pc]
        if not isinstance(instruction, Run):
            raise TypeError("nothing was called here")
        self._store(state, fiber, instruction.out, event)
        call.pc += 1
        self._check_end(fiber)

    def _forked(self, state: State, event: Event, _seq: int, _live: bool) -> None:
        fiber = state.root.find(event.get("s", ""))
        call = fiber.call
        instruction = self.program.units[call.unit].code[call.pc]
        if not isinstance(instruction, Fork):
            raise TypeError("nothing forks here")
        fiber.branches = [
            Fiber(f"{fiber.name}/{index}", [Call(call.unit, start, call.slots)], end=instruction.join)
            for index, start in enumerate(instruction.starts)
        ]
        for branch in fiber.branches:
            self._check_end(branch)

    def _joined(self, state: State, event: Event, _seq: int, _live: bool) -> None:
        fiber = state.root.find(event.get("s", ""))
        call = fiber.call
        for branch in fiber.branches:
            call.steps += branch.call.steps
            call.iterations += branch.call.iterations
        fiber.branches = []
        self._go(fiber, event["at"])

    def _took(self, state: State, event: Event, _seq: int, _live: bool) -> None:
        fiber = state.root.find(event.get("s", ""))
        if event.get("received"):
            state.received += 1
        else:
            state.queue.pop(0)
        state.used.events += 1
        call = fiber.call
        call.events += 1
        instruction = self.program.units[call.unit].code[call.pc]
        if not isinstance(instruction, Await):
            raise TypeError("nothing waits for events here")
        if "set" in event:
            self._bind(state, fiber, event)
            call.iterations += 1
            self._go(fiber, event["at"])

    def _intent(self, state: State, event: Event, seq: int, _live: bool) -> None:
        self._begin(state, event, seq)
        state.used.effects += 1

    def _asked(self, state: State, event: Event, seq: int, _live: bool) -> None:
        self._begin(state, event, seq)
        state.used.queries += 1
        for call in state.root.calls_to(event.get("s", "")):
            call.queries += 1

    def _begin(self, state: State, event: Event, seq: int) -> None:
        fiber = state.root.find(event.get("s", ""))
        label = fiber.name + "|" + event["at"]
        if event["try"] == 1:
            state.occurrences[label] = state.occurrences.get(label, 0) + 1
        arguments = {name: restore_value(value, self.blobs) for name, value in event["args"].items()}
        question, number = event.get("id", ""), 0
        if question:
            asked = short(digest_json([event["name"], event["args"], event["schema"]]))
            number = state.asked[asked] = state.asked.get(asked, 0) + 1
        fiber.intent = Intent(event["key"], event["name"], arguments, event["try"], question, seq, number)

    def _result(self, state: State, event: Event, seq: int, live: bool) -> None:
        fiber = state.root.find(event.get("s", ""))
        call = fiber.call
        instruction = self.program.units[call.unit].code[call.pc]
        if fiber.intent is None or fiber.intent.key != event["key"]:
            raise ValueError(f"a result for {event['key']}, which is not what was begun")
        fiber.intent, fiber.tries = None, 0
        if isinstance(instruction, Effect | Sweep):
            self._store(state, fiber, instruction.out, event)
        self._held(state, fiber, event)
        if not live:
            self._traced(state, event, seq)
        if "tokens" in event:
            state.used.tokens += event["tokens"]
            for active in state.root.calls_to(fiber.name):
                active.tokens += event["tokens"]
        state.used.simulated += event.get("status") == "simulated"
        state.used.mocked += "source" in event and event["source"].get("provider") == "mock"
        state.used.time = max(state.used.time, event.get("time", 0.0))
        self._common(state, event)
        self._go(fiber, event["at"])

    def _answered(self, state: State, event: Event, seq: int, live: bool) -> None:
        self._result(state, event, seq, live)

    def _failed(self, state: State, event: Event, _seq: int, _live: bool) -> None:
        fiber = state.root.find(event.get("s", ""))
        fiber.intent = None
        if event.get("again"):
            fiber.tries += 1
            state.used.time += event.get("wait", 0.0)
            return
        fiber.tries = 0
        self._held(state, fiber, event)
        self._common(state, event)
        if event.get("caught"):
            instruction = self.program.units[fiber.call.unit].code[fiber.call.pc]
            if isinstance(instruction, Effect) and instruction.out is not None:
                fiber.call.slots[instruction.out.index] = f"error: {event['status']}: {event['why']}"
        if "at" in event:  # a check or a caught fault: the run continues after it
            self._go(fiber, event["at"])
        elif "handler" in event:
            self._handle(state, event)
        else:
            state.status, state.ended = "failed", dict(event)

    def _handle(self, state: State, event: Event) -> None:
        """Continue at the `on failure` block of a step or unit around the failure; its branches and calls end."""
        fiber = state.root.find(event["to"])
        unit, index = self.layout.places[event["handler"]]
        fiber.branches, fiber.intent = [], None
        while fiber.call.unit != unit:
            fiber.calls.pop()
        failure = {name: event[name] for name in ("label", "status", "why")}
        fiber.failure, fiber.call.pc = failure, index
        slot = next(handler.slot for handler in self.program.units[unit].handlers if handler.target == index)
        fiber.call.slots[slot] = f"{failure['status']}: {failure['why']}"
        inside = event["handler"]
        fiber.deadlines = [one for one in fiber.deadlines if inside.startswith(one[0] + "/")]

    def _ended(self, state: State, event: Event, _seq: int, _live: bool) -> None:
        state.status, state.ended = event["status"], dict(event)

    def _stopped(self, state: State, event: Event, _seq: int, _live: bool) -> None:
        state.status, state.ended = "budget", dict(event)

    def _granted(self, state: State, event: Event, _seq: int, _live: bool) -> None:
        state.granted[event["which"]] = event["limit"]
        state.status, state.ended = "running", {}

    def _common(self, state: State, event: Event) -> None:
        for label, name, held, seen in event.get("judged", ()):
            state.judged[label] = Judgement(label, name, held, seen)
        for name, fields in event.get("posted", ()):
            state.queue.append((name, {key: restore_value(value, self.blobs) for key, value in fields.items()}))
        for record in event.get("broken", ()):
            state.broken.append(record["invariant"])

    def _bind(self, state: State, fiber: Fiber, event: Event) -> None:
        call = fiber.call
        indices = self.layout.units[call.unit].slot_index
        for name, data in event.get("set", {}).items():
            call.slots[indices[name]] = restore_value(data, self.blobs)
        for name, data in event.get("state", {}).items():
            state.values[self.layout.state_index[name]] = restore_value(data, self.blobs)

    def _store(self, state: State, fiber: Fiber, out: Target | None, event: Event) -> None:
        if out is None:
            return
        value = restore_value(event["value"], self.blobs)
        (state.values if out.is_state else fiber.call.slots)[out.index] = value

    def _held(self, state: State, fiber: Fiber, event: Event) -> None:
        """Bind the verdict of a check with an effect."""
        instruction = self.program.units[fiber.call.unit].code[fiber.call.pc]
        for _label, _name, held, seen in event.get("judged", ()):
            if isinstance(instruction, Effect) and instruction.held is not None:
                target = instruction.held
                (state.values if target.is_state else fiber.call.slots)[target.index] = value_of_check(held, seen)

    def _traced(self, state: State, event: Event, seq: int) -> None:
        for data in event.get("items", ()):
            self.trace(state, data, seq)

    def trace(self, state: State, data: Any, seq: int) -> None:
        """Add an item of the log to the trace."""
        case, item = from_json(self.program.schema, data)
        self.knowledge.observe(case, item, seq)
        state.fresh.append([seq, data])

    def _go(self, fiber: Fiber, label: str) -> None:
        unit, index = self.layout.places[label]
        if unit != fiber.call.unit:
            raise ValueError(f"{label} is not in the unit that runs")
        fiber.call.pc = index
        self._check_end(fiber)

    @staticmethod
    def _check_end(fiber: Fiber) -> None:
        fiber.done = fiber.end >= 0 and len(fiber.calls) == 1 and fiber.call.pc == fiber.end
