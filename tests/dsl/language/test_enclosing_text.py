"""A program in a model's reply is found, and what is left out is said; a broken program is never taken for prose."""

from __future__ import annotations

import pytest

from harness.dsl.analysis.load import check_source, load_source
from harness.dsl.language.diagnostic import render

PROGRAM = "task T {\n    step s { let x = 1 }\n}\n"
YAML = "Certainly! Below is the code:\n\n```yaml\nsteps:\n  planner: {x: 1}\n```\n\n### Explanation\n"


def found(text: str) -> list[str]:
    return list(render(check_source(text, path="p", cache=False)[1], text, "p", source=False))


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (f"Certainly! Here is it:\n\n```spak\n{PROGRAM}```\n\nIt binds a value.\n", "lines 1-3, 7-9"),
        (f"Here is the program:\n\n{PROGRAM}", "line 1"),
        (f"{PROGRAM}\nThis structure guarantees the rest.\n", "line 5"),
        (f"Use `x {{ }}` as in:\n```dsl\n{PROGRAM}```\nor in yaml:\n```yaml\na: 1\n```\n", "lines 1-2, 6-10"),
    ],
)
def test_text_around_a_program_is_left_out(text: str, lines: str) -> None:
    (problem,) = found(text)
    assert "W510" in problem
    assert problem.endswith(lines)
    program = load_source(text, cache=False)
    assert text[slice(*program.units[0].span)].startswith("task T {")


def test_comments_before_a_program_are_no_text_around_it() -> None:
    assert found(f"# A heading with several words\n# and another one\n{PROGRAM}# the last line\n") == []


def test_prose_without_a_program_is_one_error() -> None:
    (problem,) = found(YAML)
    assert problem.startswith("p:1:1: E108 this is prose, not a program: a fenced block of yaml in line 3")
    assert [line.split()[1] for line in found("I think you should sort first.")] == ["E108"]


@pytest.mark.parametrize(
    "text",
    ["const X 5\n" + PROGRAM, "task T {\n    step s let x = 1\n}\n", PROGRAM + "task U { step }", "task", "}"],
)
def test_a_broken_program_keeps_its_errors(text: str) -> None:
    problems = found(text)
    assert problems
    assert all(line.split()[1] in ("E104", "E105") for line in problems)
