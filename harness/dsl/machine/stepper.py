"""Stepper: runs the pure work of a fiber up to the next external effect."""

from __future__ import annotations

from typing import Any

from harness.dsl.expressions.compiled import compiled
from harness.dsl.expressions.nodes import Expr, Frame
from harness.dsl.facts.knowledge import Knowledge
from harness.dsl.ir import Await, Deadline, Fail, Fork, Leave, Program, Rethrow, Return, Run
from harness.dsl.machine.fold import Fold
from harness.dsl.machine.pure_operations import Operations
from harness.dsl.machine.recorder import Recorder
from harness.dsl.machine.run_limits import MAX_CALL_DEPTH, Limits
from harness.dsl.machine.segment import MAX_SEGMENT_LENGTH, Segment
from harness.dsl.machine.segment_paths import SegmentPaths
from harness.dsl.machine.state import Fiber
from harness.dsl.machine.value_storage import store_value
from harness.dsl.values import MismatchError, Undefined, Value, conform, shown

MAX_SEGMENTS = 64  # segments before the caller checks its limits again


class Stepper:
    """Runs the pure instructions of one run's fibers."""

    def __init__(
        self,
        program: Program,
        fold: Fold,
        *,
        knowledge: Knowledge,
        operations: Operations,
        recorder: Recorder,
        limits: Limits,
    ) -> None:
        self._program, self._fold, self._knowledge = program, fold, knowledge
        self._operations, self._recorder, self._limits = operations, recorder, limits
        self._segment = Segment()
        self._paths = SegmentPaths(program, recorder.writer)
        self.max_segments = MAX_SEGMENTS

    def frame(self, fiber: Fiber) -> Frame:
        """The frame of a fiber's expressions."""
        known = self._knowledge
        return Frame(fiber.call.slots, self._recorder.state.values, known.trace, known.verdicts, known.hints)

    def step(self, fiber: Fiber) -> bool:
        """Run pure instructions, with one event per step, or one instruction that changes the control flow of fibers.

        Returns:
            Whether the fiber moved; False when an effect, a search or an external event is next.
        """
        call, segment, recorder = fiber.call, self._segment, self._recorder
        unit = self._program.units[call.unit]
        operations, code = self._operations.of_unit(call.unit), unit.code
        end = fiber.end if len(fiber.calls) == 1 else -1
        max_steps, max_loops = self._limits.of_call(unit, recorder.state)
        if fiber.name:  # what other branches of the call have counted
            counts = recorder.state.root.counts(fiber.name)
            max_steps -= counts["steps"] - call.steps
            max_loops -= counts["iterations"] - call.iterations
        frame, moved, count = self.frame(fiber), False, 0
        is_plain = end < 0 and not fiber.name and not recorder.listens
        while True:
            pc, length = call.pc, 0
            node, body = self._paths.walk(call.unit, pc, frame) if is_plain else (None, None)
            if node is not None and node.shape is not None:
                recorder.path(node.shape, fiber, node.pc, node.loops, body)
                moved, count = True, count + 1
                if count >= self.max_segments or call.steps > max_steps or call.iterations > max_loops:
                    return True
                continue
            segment.clear()
            if node is not None:
                pc, length = node.pc, node.length
                segment.slots.update(node.bound)
                segment.entered += node.entered
                segment.loops = node.loops
            while pc != end and length < MAX_SEGMENT_LENGTH:
                operation = operations[pc]
                if operation is None:
                    break
                pc = operation(frame, segment)
                length += 1
            instruction = code[pc]
            if pc != end and type(instruction) is Leave:
                segment.left.append(unit.steps[instruction.step].label)
                pc += 1
            elif not length:
                return moved or self._run_control(fiber, instruction)
            recorder.segment(segment, fiber, code[pc].label, pc)
            moved, count = True, count + 1
            if fiber.done or count >= self.max_segments or call.steps > max_steps or call.iterations > max_loops:
                return True
            if segment.posted:  # it can wake an earlier branch, which then moves first
                return True

    def _run_control(self, fiber: Fiber, instruction: Any) -> bool:
        """Run a call, fork, return, failure or posted event; False for an instruction with an external effect."""
        match instruction:
            case Run():
                self._run(fiber, instruction)
            case Fork():
                self._write(fiber, {"k": "forked", "at": instruction.label})
            case Return():
                self._return(fiber, instruction)
            case Fail():
                message = self.evaluate(fiber, instruction.message)
                why = message if isinstance(message, str) else shown(message)
                self.fail(fiber, {"label": instruction.label, "status": "wrong", "why": why})
            case Rethrow():
                self.fail(fiber, fiber.failure)
            case Deadline():
                unit = self._program.units[fiber.call.unit]
                label, step = unit.code[fiber.call.pc + 1].label, unit.steps[instruction.step].label
                self._write(fiber, {"k": "armed", "at": label, "step": step, "seconds": instruction.seconds})
            case Await():
                return self._take(fiber, instruction)
            case _:
                return False
        return True

    def fail(self, fiber: Fiber, event: dict[str, Any]) -> None:
        """Write a failure: it continues in the innermost `on failure` around it, or ends the run.

        Args:
            event: With `label`, `status` and `why`.
        """
        found = self._handler(fiber)
        more = {} if found is None else {"handler": found[0], "to": found[1]}
        self._write(fiber, {**event, "k": "failed", **more})

    def _handler(self, fiber: Fiber) -> tuple[str, str] | None:
        """Label of the `on failure` block that handles a failure now, and name of the fiber that it belongs to."""
        path = self._recorder.state.root.path_to(fiber.name)
        for depth in range(len(path) - 1, -1, -1):
            for number, call in reversed(list(enumerate(path[depth].calls))):
                unit = self._program.units[call.unit]
                for handler in unit.handlers:
                    if not handler.start <= call.pc < handler.end:
                        continue
                    # The first call of a branch is in the code of its parent: is the block in the branch too?
                    if number or not depth or self._is_in_branch(path[depth - 1], path[depth], handler.target):
                        return unit.code[handler.target].label, path[depth].name
        return None

    def _is_in_branch(self, parent: Fiber, branch: Fiber, target: int) -> bool:
        fork = self._program.units[parent.call.unit].code[parent.call.pc]
        if not isinstance(fork, Fork):
            return False
        number = int(branch.name.rpartition("/")[2])
        return fork.starts[number] <= target < [*fork.starts[1:], fork.join][number]

    def evaluate(self, fiber: Fiber, expression: Expr) -> Value:
        """Evaluate an expression for a fiber."""
        return compiled(expression)(self.frame(fiber))

    def join(self, fiber: Fiber) -> None:
        """Continue after a fork whose branches have all ended."""
        unit = self._program.units[fiber.call.unit]
        self._write(fiber, {"k": "joined", "at": unit.code[fiber.branches[0].end].label})

    def _run(self, fiber: Fiber, instruction: Run) -> None:
        if len(fiber.calls) >= MAX_CALL_DEPTH:
            why = f"units call each other more than {MAX_CALL_DEPTH} deep"
            self.fail(fiber, {"label": instruction.label, "status": "wrong", "why": why})
            return
        unit = self._program.units[instruction.unit]
        slots = self._fold.empty_slots(instruction.unit)
        for index, expression in instruction.inputs:
            slots[index] = self.evaluate(fiber, expression)
        frame = Frame(slots, self._recorder.state.values, *self._known())
        given = {index for index, _ in instruction.inputs}
        for index, variable in enumerate(unit.slots):
            if index not in given and variable.initial is not None:
                slots[index] = compiled(variable.initial)(frame)
                given.add(index)
        self._write(
            fiber,
            {
                "k": "called",
                "at": instruction.label,
                "unit": instruction.unit,
                **self.bound(instruction.unit, slots, given),
            },
        )

    def bound(self, unit: int, slots: list[Value], indices: set[int]) -> dict[str, Any]:
        """The `set` field of an event that binds slots of a unit; empty if it binds none."""
        names = self._fold.layout.units[unit].slot_names
        found = {names[index]: store_value(slots[index], self._fold.blobs) for index in indices}
        return {"set": found} if found else {}

    def _known(self) -> tuple[Any, Any, Any]:
        return self._knowledge.trace, self._knowledge.verdicts, self._knowledge.hints

    def _return(self, fiber: Fiber, instruction: Return) -> None:
        unit = self._program.units[fiber.call.unit]
        value = None if instruction.value is None else self.evaluate(fiber, instruction.value)
        criteria = [[c.text, *_verdict(self.evaluate(fiber, c.condition))] for c in unit.success]
        event: dict[str, Any] = {}
        if criteria:
            event["success"] = criteria
        if value is not None:
            event["value"] = store_value(value, self._fold.blobs)
        failing = next((text for text, verdict, _ in criteria if verdict != "true"), None)
        if len(fiber.calls) == 1:
            self._write(fiber, {"k": "ended", "at": instruction.label, "status": "wrong" if failing else "ok", **event})
        elif failing is not None:
            why = f"{unit.name}: {failing} does not hold"
            self.fail(fiber, {**event, "label": instruction.label, "status": "wrong", "why": why})
        else:
            event.setdefault("value", store_value(Undefined(f"{unit.name} returns nothing"), self._fold.blobs))
            self._write(fiber, {"k": "returned", "at": instruction.label, **event})

    def _take(self, fiber: Fiber, instruction: Await) -> bool:
        """Take a posted event, or end the loop if it has taken its number of events; False if neither."""
        queue, limit = self._recorder.state.queue, self._program.units[fiber.call.unit].budget.events
        if limit is not None and fiber.call.events >= limit:
            self.end_await(fiber, instruction)
            return True
        if not queue:
            return False
        self.take(fiber, instruction, *queue[0], received=False)
        return True

    def take(self, fiber: Fiber, instruction: Await, name: str, fields: dict[str, Value], *, received: bool) -> None:
        """Pass an event to the handler of its name; an event without a handler, or that does not fit, is dropped."""
        event: dict[str, Any] = {"k": "took", "event": name}
        if received:
            event["received"] = True
            event["fields"] = store_value(fields, self._fold.blobs)
        handler = next((h for h in instruction.handlers if h[0] == name), None)
        names = self._fold.layout.units[fiber.call.unit].slot_names
        if handler is None:
            event["dropped"] = f"no handler for {name!r}"
        else:
            try:
                event["set"] = {
                    names[slot]: store_value(conform(_given(fields, field), kind, path=field), self._fold.blobs)
                    for field, slot, kind in handler[2]
                }
                event["at"] = self._program.units[fiber.call.unit].code[handler[1]].label
            except MismatchError as error:
                event.pop("set", None)
                event["dropped"] = str(error)
        self._write(fiber, event)

    def end_await(self, fiber: Fiber, instruction: Await) -> None:
        """Continue after the service loop: no event can come any more, or it has taken its number of events."""
        code = self._program.units[fiber.call.unit].code
        self._write(fiber, {"k": "ran", "at": code[instruction.otherwise].label})

    def _write(self, fiber: Fiber, event: dict[str, Any]) -> None:
        if fiber.name:
            event["s"] = fiber.name
        self._recorder.write(event)


def _verdict(value: Value) -> tuple[str, str]:
    if type(value) is Undefined:
        return "undefined", value.reason
    return ("true", "") if value is True else ("false", "")


def _given(fields: dict[str, Value], name: str) -> Value:
    if name not in fields:
        raise MismatchError(name, "is missing")
    value = fields[name]
    if type(value) is Undefined:
        raise MismatchError(name, f"is undefined: {value.reason}")
    return value
