"""Layout: positions of labels, enclosing steps and slot names of a program, computed before it runs."""

from __future__ import annotations

from harness.core.errors import SpecError
from harness.dsl.ir import Enter, Leave, Program, Unit
from harness.dsl.ir import Step as StepInfo
from harness.dsl.plain import plain


@plain
class UnitLayout:
    """The layout of one unit.

    Attributes:
        slot_names: Unique names by index; the log uses names.
        step_of: For each instruction the index of the innermost step around it, -1 outside steps.
        leave_of: For each step the index of its `Leave`.
    """

    slot_names: tuple[str, ...]
    slot_index: dict[str, int]
    step_of: tuple[int, ...]
    leave_of: dict[int, int]


@plain
class Layout:
    """The layout of a program.

    Attributes:
        places: (unit, instruction) of each label.
        state_index: State variables by name.
    """

    units: tuple[UnitLayout, ...]
    places: dict[str, tuple[int, int]]
    state_index: dict[str, int]


def lay_out(program: Program) -> Layout:
    """Compute the layout of a program.

    Raises:
        SpecError: if two instructions have the same label: the log could not distinguish them.
    """
    places: dict[str, tuple[int, int]] = {}
    for number, unit in enumerate(program.units):
        for index, instruction in enumerate(unit.code):
            if places.setdefault(instruction.label, (number, index)) != (number, index):
                where = program.where(instruction.span)
                raise SpecError(f"two instructions have the label {instruction.label!r}", where=where)
    return Layout(
        units=tuple(_unit(unit) for unit in program.units),
        places=places,
        state_index={variable.name: index for index, variable in enumerate(program.state)},
    )


def _unit(unit: Unit) -> UnitLayout:
    names: list[str] = []
    for index, variable in enumerate(unit.slots):
        taken = variable.name in names or "#" in variable.name
        names.append(f"{variable.name}#{index}" if taken else variable.name)
    around: list[int] = []
    open_steps: list[int] = []
    leaves: dict[int, int] = {}
    for index, instruction in enumerate(unit.code):
        if isinstance(instruction, Enter):
            open_steps.append(instruction.step)
        around.append(open_steps[-1] if open_steps else -1)
        if isinstance(instruction, Leave):
            leaves[instruction.step] = index
            if open_steps and open_steps[-1] == instruction.step:
                open_steps.pop()
    return UnitLayout(tuple(names), {name: index for index, name in enumerate(names)}, tuple(around), leaves)


def enclosing_check(unit: Unit, layout: UnitLayout, pc: int) -> StepInfo | None:
    """The check or expectation that contains an instruction; None without one."""
    index = layout.step_of[pc]
    while index >= 0:
        step = unit.steps[index]
        if step.kind != "step":
            return step
        index = step.parent
    return None
