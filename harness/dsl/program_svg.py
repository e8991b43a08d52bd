"""Program SVG: a drawing of a program; units are columns, steps are rows, knowledge is on the right."""

from __future__ import annotations

import math
from collections.abc import Iterator

from harness.core.box_drawing import MARGIN, Box, Line, draw_boxes
from harness.dsl.ir import Branch, Effect, Emit, Instruction, Post, Program, Run, Sweep, Unit

_WIDTH, _GAP, _STEP = 260, 60, 14  # of a column, between columns, between boxes, in pixels
_COLOURS = {
    "task": "#dbeafe", "agent_loop": "#dcfce7", "service_loop": "#fef9c3", "engineering_loop": "#ffedd5",
    "step": "#ffffff", "check": "#f5f5f4", "expect": "#f5f5f4", "fact": "#fce7f3", "rule": "#ede9fe", "hint": "#ede9fe",
    "invariant": "#fee2e2",
}  # fmt: skip


def draw(program: Program) -> str:
    """A complete SVG document; strings are escaped, and no external resource is loaded."""
    boxes: list[Box] = []
    lines: list[Line] = []
    heads: dict[int, Box] = {}
    calls: list[tuple[Box, int]] = []
    for column, unit in enumerate(program.units):
        x, y = MARGIN + column * (_WIDTH + _GAP), MARGIN
        main = ("a run begins here",) if column == program.main else ()
        head = Box(unit.kind, f"{unit.kind} {unit.name}", main, x, y, _WIDTH)
        heads[column] = head
        boxes.append(head)
        before, y = head, y + head.height + _STEP
        for number, step in enumerate(unit.steps):
            inside = _inside(unit, number)
            notes = tuple(dict.fromkeys(note for i in inside for note in _notes(program, i)))
            indent, title = 12 * _depth(unit, number), f"{step.kind} {step.name.removeprefix(f'{step.kind} ')}"
            box = Box(step.kind, title, notes[:4], x + indent, y, _WIDTH - indent)
            boxes.append(box)
            lines.append((x + 14, before.y + before.height, x + 14, y))
            before, y = box, y + box.height + _STEP
        calls += [(head, instruction.unit) for instruction in unit.code if isinstance(instruction, Run)]
    boxes += _knowledge(program, MARGIN + len(program.units) * (_WIDTH + _GAP))
    for source, target in calls:
        there = heads[target]
        lines.append((source.x + _WIDTH, source.middle(), there.x, there.middle()))
    return draw_boxes(program.name, f"program {program.name}", boxes, lines, _COLOURS)


def _knowledge(program: Program, x: int) -> list[Box]:
    boxes, y = [], MARGIN
    for fact in program.facts:
        over = "all of " if fact.over_all else ""
        about = program.schema.cases[fact.case].name if fact.case >= 0 else "any"
        boxes.append(Box("fact", f"fact {fact.name}", (f"of {over}{about}",), x, y, _WIDTH))
        y += boxes[-1].height + _STEP
    for rule in program.rules:
        facts = " and ".join(program.facts[i].name for i in rule.facts)
        notes = (f"when {facts}" if rule.executable else "prose: never fires", rule.suggestion)
        boxes.append(Box(rule.kind, f"{rule.kind} {rule.name}", notes, x, y, _WIDTH))
        y += boxes[-1].height + _STEP
    for invariant in program.invariants:
        number = len(invariant.conditions)
        note = f"{number} condition{'' if number == 1 else 's'}, {len(invariant.prose)} of prose"
        boxes.append(Box("invariant", f"invariant {invariant.name}", (note,), x, y, _WIDTH))
        y += boxes[-1].height + _STEP
    return boxes


def _inside(unit: Unit, step: int) -> list[Instruction]:
    label = unit.steps[step].label + "/"
    children = [s.label + "/" for s in unit.steps if s.parent == step]
    return [i for i in unit.code if i.label.startswith(label) and not i.label.startswith(tuple(children))]


def _depth(unit: Unit, step: int) -> int:
    depth, parent = 0, unit.steps[step].parent
    while parent >= 0:
        depth, parent = depth + 1, unit.steps[parent].parent
    return depth


def _notes(program: Program, instruction: Instruction) -> Iterator[str]:
    cases = program.schema.cases
    match instruction:
        case Effect():
            yield f"{instruction.who}.{instruction.name}"
            yield from (f"emits {cases[i].name}" for i in instruction.emits)
        case Emit():
            yield f"emits {cases[instruction.case].name}"
        case Post():
            yield f"posts {instruction.event}"
        case Run():
            yield f"runs {program.units[instruction.unit].name}"
        case Sweep():
            size = math.prod(len(parameter.values) for parameter in instruction.parameters)
            yield f"searches {size} points for {instruction.measure.metric}"
        case Branch():
            yield "decides"
