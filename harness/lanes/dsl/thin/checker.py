"""Checker: what is wrong with a program that can be known before it runs; every problem, with its position."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator

from harness.lanes.dsl.thin.program import Program, ProgramError, Step, Text
from harness.lanes.dsl.thin.template import variables

# call -> (required parameters, optional ones)
CALLS: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "tool.write": (frozenset({"path", "content"}), frozenset()),
    "tool.read": (frozenset({"path"}), frozenset({"output_var"})),
    "tool.run": (frozenset({"cmd"}), frozenset({"output_var"})),
    "llm.query": (frozenset({"prompt_template", "output_var"}), frozenset({"role"})),
}
PREDICATES = frozenset({"equals", "contains"})
CONDITIONS = {"exists": 1, "equals": 2, "contains": 2, "passed": 1}
_TEMPLATED = ("path", "content", "cmd", "prompt_template", "equals", "contains")


def check_program(program: Program, inputs: Iterable[str]) -> list[ProgramError]:
    """All problems, in the order of the text."""
    return sorted(_problems(program, set(inputs)), key=lambda p: (p.line, p.column))


def _problems(program: Program, known: set[str]) -> Iterator[ProgramError]:
    names: set[str] = {"success"}
    for step in program.steps:
        if step.name in names:
            yield ProgramError(f"{step.name!r} is there twice", step.line, step.column)
        names.add(step.name)
        yield from _step(step, known)
        if "output_var" in step.params:
            known.add(step.param("output_var"))
    checks = {step.name for step in program.steps if step.is_check}
    for condition in program.success:
        at = (condition.line, condition.column)
        arity = CONDITIONS.get(condition.op)
        if arity is None:
            yield ProgramError(f"unknown condition {condition.op!r}{_near(condition.op, CONDITIONS)}", *at)
        elif len(condition.args) != arity:
            yield ProgramError(f"{condition.op} takes {arity} texts, not {len(condition.args)}", *at)
        else:
            subject = condition.args[0]
            among = checks if condition.op == "passed" else known
            if subject.value not in among:
                what = "check" if condition.op == "passed" else "variable"
                yield _unknown(what, subject.value, among, subject)
            for argument in condition.args[1:]:
                yield from _variables(argument, known)


def _step(step: Step, known: set[str]) -> Iterator[ProgramError]:
    at = (step.line, step.column)
    if step.call not in CALLS:
        yield ProgramError(f"unknown call {step.call!r}{_near(step.call, CALLS)}", *at)
        return
    required, optional = CALLS[step.call]
    if step.is_check:
        if step.call == "tool.write":
            yield ProgramError("tool.write has no result a check could compare", *at)
        required, optional = required - {"output_var"}, optional | {"output_var"} | PREDICATES
        if len(PREDICATES & step.params.keys()) != 1:
            yield ProgramError(f"check {step.name} decides nothing: give it one of equals, contains", *at)
    for name in sorted(required - step.params.keys()):
        yield ProgramError(f"{step.call} needs {name}", *at)
    for name, text in step.params.items():
        if name not in required | optional:
            near = _near(name, required | optional)
            yield ProgramError(f"{step.call} knows no {name!r}{near}", text.line, text.column)
        elif name in _TEMPLATED:
            yield from _variables(text, known)


def _variables(text: Text, known: set[str]) -> Iterator[ProgramError]:
    for name in variables(text.value):
        if name not in known:
            yield _unknown("variable", name, known, text)


def _unknown(what: str, name: str, known: Iterable[str], at: Text) -> ProgramError:
    return ProgramError(f"no {what} {name!r} by then{_near(name, known)}", at.line, at.column)


def _near(name: str, known: Iterable[str]) -> str:
    found = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {found[0]!r}?" if found else ""
