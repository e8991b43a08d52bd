"""Code: the instructions of a unit under construction: labels, steps, and jumps with unresolved targets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from harness.core.slug import slug
from harness.dsl.ir import Branch, Enter, Instruction, Jump, Leave, Step
from harness.dsl.language.diagnostic import Span
from harness.dsl.plain import changed

UNRESOLVED = -1  # target of a jump that is not known yet


class Code:
    """The instructions of one unit.

    Attributes:
        instructions: Instructions so far; jumps hold absolute indices.
    """

    def __init__(self, label: str, labels: Counter[str]) -> None:
        self.instructions: list[Instruction] = []
        self.steps: list[Step] = []
        self._path = [label]
        self._labels = labels
        self._open: list[int] = []

    def __len__(self) -> int:
        return len(self.instructions)

    def label(self, what: str) -> str:
        """A label that is unique in the program; repeated labels are numbered."""
        label = f"{self._path[-1]}/{slug(what)}"
        self._labels[label] += 1
        count = self._labels[label]
        return label if count == 1 else f"{label}~{count}"

    def add(self, instruction: Instruction) -> int:
        """Append an instruction and return its index."""
        self.instructions.append(instruction)
        return len(self.instructions) - 1

    def set_jump_target(self, index: int) -> None:
        """Set the target of a jump or branch to the next instruction."""
        instruction = self.instructions[index]
        if isinstance(instruction, Jump):
            self.instructions[index] = changed(instruction, target=len(self))
        elif isinstance(instruction, Branch):
            self.instructions[index] = changed(instruction, otherwise=len(self))

    def replace(self, index: int, instruction: Instruction) -> None:
        """Replace the placeholder at `index` by its final instruction."""
        self.instructions[index] = instruction

    @contextmanager
    def within(self, what: str) -> Iterator[str]:
        """Prefix the labels of the enclosed instructions."""
        label = self.label(what)
        self._path.append(label)
        yield label
        self._path.pop()

    @contextmanager
    def step(self, name: str, kind: str, span: Span) -> Iterator[None]:
        """Enclose the added instructions in a step."""
        with self.within(name) as label:
            number = len(self.steps)
            parent = self._open[-1] if self._open else -1
            self.steps.append(Step(name, slug(name), label, kind, span, parent))
            self._open.append(number)
            self.add(Enter(self.label("enter"), span, number))
            yield
            self.add(Leave(self.label("leave"), (span[1], span[1]), number))
            self._open.pop()
