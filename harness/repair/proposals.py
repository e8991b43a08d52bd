"""Proposals: edited sources of a candidate, the most promising first."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from harness.lanes.toolgen.proposals.edit import Edit
from harness.lanes.toolgen.proposals.operators import edits
from harness.repair.localisation import LEAST
from harness.repair.patterns import Patterns, Step, fingerprint
from harness.repair.syntax_edits import OPERATOR, parsing_variants


@dataclass(frozen=True, slots=True)
class Proposal:
    """An edited source.

    Attributes:
        base: The text that is edited.
        steps: The edits that made it, in order.
        rank: How promising it is; larger is better.
        edit: The last edit, which is not part of `base` yet; None for a source that is taken as it is.
    """

    base: str
    steps: tuple[Step, ...] = ()
    rank: float = 0.0
    edit: Edit | None = None

    @property
    def source(self) -> str:
        """The text; thousands of proposals of one source would be too many to keep."""
        return self.base if self.edit is None else self.edit.apply(self.base)


def single_edits(base: Proposal, suspicion: Mapping[int, float], patterns: Patterns) -> list[Proposal]:
    """All single edits of a source, by suspicion of their line times what helped before.

    Raises:
        SyntaxError: if the source is not Python.
    """
    found, source = [], base.source
    for edit in edits(source):
        old = source[edit.span[0] : edit.span[1]]
        step = Step(edit.operator, fingerprint(edit.operator, old, edit.replacement), edit.line)
        rank = suspicion.get(edit.line, LEAST) * patterns.weight(edit.operator, step.fingerprint)
        found.append(Proposal(source, (*base.steps, step), rank, edit))
    return sorted(found, key=lambda one: -one.rank)


def syntax_repairs(source: str) -> Iterator[Proposal]:
    """Variants of a source that does not parse; nothing for one that does."""
    for place, variant in enumerate(parsing_variants(source)):
        step = Step(OPERATOR, f"{OPERATOR}: {variant.change}", variant.line)
        yield Proposal(variant.source, (step,), 1.0 / (1 + place))


def changed_size(before: str, after: str) -> tuple[int, int]:
    """The size of a change: lines removed and added, and characters of these lines that differ."""
    old, new = before.splitlines(), after.splitlines()
    lines = characters = 0
    for tag, start, end, first, last in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        lines += (end - start) + (last - first)
        inner = difflib.SequenceMatcher(None, "\n".join(old[start:end]), "\n".join(new[first:last]), autojunk=False)
        characters += sum((b - a) + (d - c) for kind, a, b, c, d in inner.get_opcodes() if kind != "equal")
    return lines, characters


def show_change(before: str, after: str) -> str:
    """A unified diff without context."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), "parent", "repaired", lineterm="", n=0)
    return "\n".join(lines)
