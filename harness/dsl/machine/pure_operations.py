"""Operations: pure instructions compiled to functions, once per unit; any other instruction ends a segment."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from harness.dsl.expressions.compiled import compiled
from harness.dsl.expressions.nodes import Frame
from harness.dsl.ir import Branch, Emit, Enter, Instruction, Judge, Jump, Leave, Let, Post, Program
from harness.dsl.machine.program_layout import Layout, enclosing_check
from harness.dsl.machine.segment import Segment
from harness.dsl.machine.state import Judgement, value_of_check
from harness.dsl.types import Case
from harness.dsl.values import MismatchError, Undefined, Value, item_of, shown

Operation = Callable[[Frame, Segment], int]
"""Executes one instruction and returns the index of the next one."""
Observe = Callable[[dict[str, list[Any]], int, tuple[Value, ...], str], None]
"""Traces an item: (fields of the event so far, case, item, source)."""


class Operations:
    """The pure instructions of a program as functions, by unit and index; None for all others.

    Args:
        observe: Called with each item to trace.
    """

    def __init__(self, program: Program, layout: Layout, observe: Observe) -> None:
        self._program, self._layout, self._observe = program, layout, observe
        self._units: dict[int, list[Operation | None]] = {}

    def of_unit(self, unit: int) -> list[Operation | None]:
        """The operations of one unit."""
        made = self._units.get(unit)
        if made is None:
            code = self._program.units[unit].code
            made = [self._make(unit, index, instruction) for index, instruction in enumerate(code)]
            self._units[unit] = made
        return made

    def _make(self, unit: int, index: int, instruction: Instruction) -> Operation | None:
        following = index + 1
        match instruction:
            case Enter(label=label):
                return _enter(_step_label(self._program, unit, instruction.step) or label, following)
            case Leave():
                return None  # ends a segment: one event per step
            case Let():
                return _let(instruction, following)
            case Emit():
                return self._emit(instruction, following)
            case Post():
                return _post(instruction, following)
            case Branch():
                return _branch(instruction, index)
            case Jump(target=target):
                return _jump(target, back=target <= index)
            case Judge():
                return self._judge(unit, index, instruction)
            case _:
                return None

    def _emit(self, instruction: Emit, following: int) -> Operation:
        case = self._program.schema.cases[instruction.case]
        given = [(slot, compiled(expression)) for slot, expression in instruction.fields]
        missing = tuple(Undefined(f"{field.name} is not given") for field in case.fields)

        def emit(frame: Frame, segment: Segment) -> int:
            item = list(missing)
            for slot, code in given:
                value = code(frame)
                # The field's bound applies to emitted values too, as it does to items that tools report.
                item[slot] = value if type(value) is Undefined else _measured(case, slot, value)
            self._observe(segment.traced, instruction.case, tuple(item), "emit")
            return following

        return emit

    def _judge(self, unit: int, index: int, instruction: Judge) -> Operation:
        condition, expected, label = compiled(instruction.condition), instruction.expected, instruction.label
        target = instruction.held
        check = enclosing_check(self._program.units[unit], self._layout.units[unit], index)
        after = index + 1
        if check is not None:
            after = self._layout.units[unit].leave_of[self._program.units[unit].steps.index(check)] + 1

        def judge(frame: Frame, segment: Segment) -> int:
            value = condition(frame)
            seen = f"undefined: {value.reason}" if type(value) is Undefined else shown(value).lower()
            held = seen.partition(":")[0] == expected
            segment.judged.append(Judgement(label, instruction.name, held, seen))
            if target is not None:
                (frame.state if target.is_state else frame.slots)[target.index] = value_of_check(held, seen)
                (segment.state if target.is_state else segment.slots).add(target.index)
            return index + 1 if held else after

        return judge


def _measured(case: Case, slot: int, value: Value) -> Value:
    name = case.fields[slot].name
    try:
        return item_of(case, {name: value})[slot]
    except MismatchError as error:
        return Undefined(str(error))


def _step_label(program: Program, unit: int, step: int) -> str:
    return program.units[unit].steps[step].label


def _enter(label: str, following: int) -> Operation:
    def enter(_frame: Frame, segment: Segment) -> int:
        segment.entered.append(label)
        return following

    return enter


def _let(instruction: Let, following: int) -> Operation:
    value, index = compiled(instruction.value), instruction.target.index
    if instruction.target.is_state:

        def let_state(frame: Frame, segment: Segment) -> int:
            frame.state[index] = value(frame)
            segment.state.add(index)
            return following

        return let_state

    def let(frame: Frame, segment: Segment) -> int:
        frame.slots[index] = value(frame)
        segment.slots.add(index)
        return following

    return let


def _post(instruction: Post, following: int) -> Operation:
    fields = [(name, compiled(expression)) for name, expression in instruction.fields]

    def post(frame: Frame, segment: Segment) -> int:
        segment.posted.append((instruction.event, {name: value(frame) for name, value in fields}))
        return following

    return post


def _branch(instruction: Branch, index: int) -> Operation:
    condition, otherwise, following, label = (
        compiled(instruction.condition),
        instruction.otherwise,
        index + 1,
        instruction.label,
    )
    back = otherwise <= index

    def branch(frame: Frame, segment: Segment) -> int:
        value = condition(frame)
        if value is True:
            return following
        if value is not False:
            reason = value.reason if type(value) is Undefined else f"{shown(value)} is no truth value"
            segment.notes.append([label, reason])
        segment.loops += back
        return otherwise

    return branch


def _jump(target: int, *, back: bool) -> Operation:
    def jump(_frame: Frame, segment: Segment) -> int:
        segment.loops += back
        return target

    return jump
