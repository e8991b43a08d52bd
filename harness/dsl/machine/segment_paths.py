"""Segment paths: cached execution paths through a step's pure instructions.

A path is the part of a segment that does not depend on values: the slots that it binds, the steps that it enters and
leaves, and where it ends. It is recorded once for each outcome of its branches. Executing it again evaluates only the
bound expressions and fills the template of its event. The paths of a step that is executed often are compiled to one
Python function (`path_code`).
"""

from __future__ import annotations

from harness.dsl.expressions.compiled import SLOW, compiled
from harness.dsl.expressions.nodes import Expr, Frame
from harness.dsl.ir import Branch, Enter, Jump, Leave, Let, Program
from harness.dsl.machine.segment import MAX_SEGMENT_LENGTH, Node, Segment, SegmentWriter

MAX_NODES = 10_000  # maximum number of cached nodes: data-dependent branches have more paths than are executed twice


class SegmentPaths:
    """The paths of one program.

    Args:
        writer: Makes the templates of events.
    """

    def __init__(self, program: Program, writer: SegmentWriter) -> None:
        self._program, self._writer = program, writer
        self._roots: list[list[Node | None]] = [[None] * len(unit.code) for unit in program.units]
        self.count = 0

    def walk(self, unit: int, pc: int, frame: Frame) -> tuple[Node, bytes | None]:
        """Execute the pure instructions of a path that begins at an index.

        Returns:
            The last node of the path; and the encoded event of the step, if compiled code has made it.
        """
        root = self._roots[unit][pc]
        if root is None:
            root = self._roots[unit][pc] = self._node(unit, Node(pc, (), (), (), (), 0, 0))
        if root.code is not None:
            try:
                found = root.code(frame)
            except SLOW:
                found = None
            if found is not None:
                return found
        node, slots, known = root, frame.slots, self.count
        while True:
            for index, code in node.lets:
                slots[index] = code(frame)
            if node.test is None:
                break
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
                break  # an undefined condition is logged with its reason, by the interpreter
            node = following
        if self.count != known:
            root.code, root.walks = None, root.limit
            root.limit *= 2
        elif root.code is None and root.walks >= 0:
            self._count_walk(root)
        return node, None

    def _count_walk(self, root: Node) -> None:
        """Generate the code of a path that was executed often."""
        root.walks -= 1
        if root.walks == 0:
            from harness.dsl.machine.path_code import generate_step

            root.code = generate_step(root, self._writer)
            root.walks = -1

    def _after(self, unit: int, node: Node, *, taken: bool) -> Node:
        branch = self._program.units[unit].code[node.pc]
        pc = node.pc + 1 if taken or not isinstance(branch, Branch) else branch.otherwise
        loops = node.loops + (pc <= node.pc)
        return self._node(unit, Node(pc, (), (), node.bound, node.entered, loops, node.length + 1))

    def _node(self, unit: int, start: Node) -> Node:
        """The node that continues a path."""
        self.count += 1
        if self.count > MAX_NODES:
            self.count = 1
            for roots in self._roots:
                roots[:] = [None] * len(roots)
        pc, bound, entered, loops, length = start.pc, start.bound, start.entered, start.loops, start.length
        code, steps = self._program.units[unit].code, self._program.units[unit].steps
        sources: list[tuple[int, Expr]] = []
        while length < MAX_SEGMENT_LENGTH:
            match code[pc]:
                case Enter(step=step):
                    entered = (*entered, steps[step].label)
                    pc += 1
                case Let(target=target, value=value) if not target.is_state:
                    sources.append((target.index, value))
                    bound = (*bound, target.index)
                    pc += 1
                case Jump(target=there):
                    loops += there <= pc
                    pc = there
                case _:
                    break
            length += 1
        lets = tuple((index, compiled(value)) for index, value in sources)
        node = Node(pc, tuple(sources), lets, bound, entered, loops, length)
        instruction = code[pc]
        if length < MAX_SEGMENT_LENGTH and isinstance(instruction, Branch):
            node.condition, node.test = instruction.condition, compiled(instruction.condition)
        elif isinstance(instruction, Leave):
            segment = Segment(set(bound), set(), list(entered), [steps[instruction.step].label], loops)
            node.pc += 1
            node.shape = self._writer.shape(segment, unit, code[node.pc].label)
        return node
