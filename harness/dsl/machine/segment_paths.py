"""Segment paths: the ways through a step's pure instructions, prepared so that a repeated one costs little.

A path is what a segment does besides its values: which slots it binds, which steps it enters and leaves, where it ends.
It is found once for each outcome of its branches; then only the bound expressions are evaluated, and the event is a
template.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from harness.dsl.expressions.compiled import compiled
from harness.dsl.expressions.nodes import Frame
from harness.dsl.ir import Branch, Enter, Jump, Leave, Let, Program
from harness.dsl.machine.segment import MAX_SEGMENT_LENGTH, Segment, SegmentWriter, Shape
from harness.dsl.plain import mutable

Code = Callable[[Frame], Any]
MAX_NODES = 10_000
"""Nodes that are kept; a program whose branches depend on data has more ways than it takes twice."""


@mutable
class Node:
    """A part of a path without a branch.

    Attributes:
        pc: Index of the instruction after it: a branch, or one that needs the whole machine.
        lets: Slots that it binds, with the code of each value.
        bound, entered, loops, length: All slots and steps, backward jumps and instructions of the path so far.
        test: The code of the branch at `pc`, or None.
        yes, no: The nodes after the branch, once they were taken.
        shape: The event, if the path ends here with the end of a step.
    """

    pc: int
    lets: tuple[tuple[int, Code], ...]
    bound: tuple[int, ...]
    entered: tuple[str, ...]
    loops: int
    length: int
    test: Code | None = None
    yes: Node | None = None
    no: Node | None = None
    shape: Shape | None = None
    label: str = ""


class SegmentPaths:
    """The paths of one program.

    Args:
        program: The program.
        writer: Makes the templates of events.
    """

    def __init__(self, program: Program, writer: SegmentWriter) -> None:
        self._program, self._writer = program, writer
        self._roots: dict[tuple[int, int], Node] = {}
        self._count = 0

    def walk(self, unit: int, pc: int, frame: Frame) -> Node:
        """Execute pure instructions from an index as far as a path leads; the last node says where that is."""
        node = self._roots.get((unit, pc))
        if node is None:
            node = self._roots[unit, pc] = self._node(unit, Node(pc, (), (), (), 0, 0))
        slots = frame.slots
        while True:
            for index, code in node.lets:
                slots[index] = code(frame)
            if node.test is None:
                return node
            value = node.test(frame)
            following: Node | None
            if value is True:
                following = node.yes
                if following is None:
                    following = node.yes = self._after(unit, node, taken=True)
            elif value is False:
                following = node.no
                if following is None:
                    following = node.no = self._after(unit, node, taken=False)
            else:
                return node  # undefined: the reason is logged
            node = following

    def _after(self, unit: int, node: Node, *, taken: bool) -> Node:
        branch = self._program.units[unit].code[node.pc]
        pc = node.pc + 1 if taken or not isinstance(branch, Branch) else branch.otherwise
        loops = node.loops + (pc <= node.pc)
        return self._node(unit, Node(pc, (), node.bound, node.entered, loops, node.length + 1))

    def _node(self, unit: int, start: Node) -> Node:
        """The node that begins where a path so far has come."""
        self._count += 1
        if self._count > MAX_NODES:
            self._count = 0
            self._roots.clear()
        pc, bound, entered, loops, length = start.pc, start.bound, start.entered, start.loops, start.length
        code, steps = self._program.units[unit].code, self._program.units[unit].steps
        lets: list[tuple[int, Code]] = []
        while length < MAX_SEGMENT_LENGTH:
            match code[pc]:
                case Enter(step=step):
                    entered = (*entered, steps[step].label)
                    pc += 1
                case Let(target=target, value=value) if not target.is_state:
                    lets.append((target.index, compiled(value)))
                    bound = (*bound, target.index)
                    pc += 1
                case Jump(target=there):
                    loops += there <= pc
                    pc = there
                case _:
                    break
            length += 1
        node = Node(pc, tuple(lets), bound, entered, loops, length)
        instruction = code[pc]
        if length < MAX_SEGMENT_LENGTH and isinstance(instruction, Branch):
            node.test = compiled(instruction.condition)
        elif isinstance(instruction, Leave):
            segment = Segment(set(bound), set(), list(entered), [steps[instruction.step].label], loops)
            node.pc += 1
            node.label = code[node.pc].label
            node.shape = self._writer.shape(segment, unit, node.label)
        return node
