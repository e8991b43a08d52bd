"""Parts of a program that become cases: steps, checks, expectations, success, invariants."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from harness.core.slug import slug
from harness.dsl.ir import Program

SUCCESS, INVARIANT, PROGRAM = "success", "invariant", "program"


@dataclass(frozen=True, slots=True)
class Part:
    """One part.

    Attributes:
        name: Its case: `unit::step`, slugs in lower case.
        kind: step, check, expect, success, invariant or program.
        label: Its key in a run: a step's label, or the name of a unit or an invariant.
        source: Its text; the subject's digest is of this.
        line: 1-based line in the program.
    """

    name: str
    title: str
    kind: str
    label: str
    source: str
    line: int


def list_parts(program: Program) -> Iterator[Part]:
    """All parts in source order; a program without a task or loop adds one part for the program itself."""
    taken: set[str] = set()
    for index, unit in enumerate(program.units):
        group = _unique(slug(unit.name).lower(), taken)
        inner: set[str] = set()
        for step in unit.steps:
            name = _unique(step.slug.lower(), inner)
            text = program.source[step.span[0] : step.span[1]]
            yield Part(
                f"{group}::{name}", f"{step.kind} {step.name}", step.kind, step.label, text, _line(program, step.span)
            )
        if unit.success and index == program.main:
            text = " ".join(criterion.text for criterion in unit.success)
            name = _unique(SUCCESS, inner)
            yield Part(
                f"{group}::{name}",
                f"success of {unit.name}",
                SUCCESS,
                unit.name,
                text,
                _line(program, unit.success[0].span),
            )
    group = _unique("invariants", taken)
    inner = set()
    for invariant in program.invariants:
        text = program.source[invariant.span[0] : invariant.span[1]]
        name = _unique(slug(invariant.name).lower(), inner)
        line = _line(program, invariant.span)
        yield Part(f"{group}::{name}", f"invariant {invariant.name}", INVARIANT, invariant.name, text, line)
    if program.main < 0:
        yield Part(slug(program.name).lower(), f"domain {program.name}", PROGRAM, program.name, program.source, 1)


def _unique(name: str, taken: set[str]) -> str:
    number, found = 1, name
    while found in taken:
        number += 1
        found = f"{name}-{number}"
    taken.add(found)
    return found


def _line(program: Program, span: tuple[int, int]) -> int:
    return program.place(span[0])[0]
