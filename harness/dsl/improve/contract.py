"""Contract: what a revision must keep, because it judges the program; what is declared variable may change."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from harness.dsl.language import syntax as s
from harness.dsl.language.printer import print_module, print_value

Clauses = dict[str, str]
"""Source of each clause in the standard layout, by name."""


def clauses_of(module: s.Module) -> Clauses:
    """The clauses of a program: schema, knowledge, inputs, checks, success, measurements, files that measure."""
    found: Clauses = {}
    used: set[str] = set()
    for item in _flat(module.items):
        match item:
            case s.Unit():
                for name, text in _unit(item, used):
                    found[f"{item.label.text}: {name}"] = text
            case s.Variable(keyword="state"):
                pass
            case s.Entry():
                pass
            case _:
                label = getattr(item, "label", None)
                keyword = getattr(item, "keyword", type(item).__name__)
                name = label.text if label is not None else getattr(item, "name", "")
                found[f"{keyword} {name}".strip()] = print_module(s.Module([item]))
    for name, text in _writers(module, used):
        found[f"the file {name}"] = text
    return found | _sources(module)


def measuring_files(module: s.Module) -> set[str]:
    """Words of the commands of checks, measurements and calls that report items: the paths among them are fixed."""
    used: set[str] = set()
    for item in _flat(module.items):
        for _ in _unit(item, used) if isinstance(item, s.Unit) else ():
            pass
    return used


def mask_variables(module: s.Module, variable: Collection[str]) -> str:
    """The source of a program without what is declared variable: names, steps, and contents of files.

    Args:
        module: The syntax tree; it is changed.
        variable: Names of variables, constants, parameters and steps, and paths of written files.
    """
    for node in _nodes(module):
        match node:
            case s.Let() | s.Variable() | s.Assign() | s.Parameter() if node.name in variable:
                node.value = s.Literal("variable")
            case s.Step() if node.label.text in variable:
                node.body, node.inline = [], False
            case s.Call(operation="write"):
                named = any(e.key == "path" and _plain(e.value) in variable for e in node.entries)
                node.entries = [e for e in node.entries if not (named and e.key == "content")]
            case s.Entry() if node.key in variable:
                node.value = s.Literal("variable")
    return print_module(module)


def _sources(module: s.Module) -> Clauses:
    """What reports the items of each case: commands, in order. No revision may add or remove one."""
    found: dict[str, list[str]] = {
        f"{item.label.text}.{shape.label.text}": []
        for item in _flat(module.items)
        if isinstance(item, s.Variant)
        for shape in item.cases
    }
    for item in _flat(module.items):
        for call in _calls(item.body) if isinstance(item, s.Unit) else ():
            command = next((print_value(e.value) for e in call.entries if e.key == "cmd"), call.operation)
            for path in (path for arrow in call.arrows if arrow.is_emit for path in arrow.paths):
                full = next((name for name in found if name == path or name.endswith(f".{path}")), path)
                found.setdefault(full, []).append(command)
    return {f"the reporting of {case}": "; ".join(commands) for case, commands in found.items()}


def _plain(value: s.Value) -> str:
    return str(value.value) if isinstance(value, s.Literal) else ""


def _nodes(node: Any) -> Iterator[Any]:
    """All nodes of a syntax tree."""
    if is_dataclass(node):
        yield node
        for part in fields(node):
            yield from _nodes(getattr(node, part.name))
    elif isinstance(node, list | tuple):
        for part in node:
            yield from _nodes(part)


def find_broken_clause(before: Clauses, after: Clauses) -> str:
    """A message about the first changed clause; empty if all are kept. A revision can add clauses."""
    for name, text in before.items():
        if name not in after:
            return f"{name} was removed"
        if after[name] != text:
            return f"{name} was changed"
    return ""


def _flat(items: list[s.Declaration]) -> Iterator[s.Declaration]:
    for item in items:
        if isinstance(item, s.Group):
            yield from _flat(item.items)
        else:
            yield item


def _unit(unit: s.Unit, used: set[str]) -> Iterator[tuple[str, str]]:
    for statement in unit.body:
        if isinstance(statement, s.Setting) and statement.key == "success":
            yield "success", " ".join(print_value(value) for value in statement.values)
        elif isinstance(statement, s.Variable) and statement.keyword == "input":
            yield f"input {statement.name}", _printed(statement)
        elif isinstance(statement, s.Evaluation):
            for check in statement.checks:
                name = check.name if isinstance(check, s.Check) else f"expect {check.fact}"
                yield name, _printed(s.Evaluation([check]))
        elif isinstance(statement, s.Entries) and statement.keyword == "measure":
            yield "measure", _printed(statement)
    for call in _calls(unit.body):
        judged = any(arrow.is_emit for arrow in call.arrows)
        if judged:
            command = next((print_value(e.value) for e in call.entries if e.key == "cmd"), "")
            used.update(_words(command))
    for text in (t for s_ in unit.body if isinstance(s_, s.Evaluation | s.Entries) for t in [_printed(s_)]):
        used.update(_words(text))


def _writers(module: s.Module, used: set[str]) -> Iterator[tuple[str, str]]:
    """(path, content) of written files that a check, a measurement or a reporting command runs."""
    for item in _flat(module.items):
        for call in _calls(item.body) if isinstance(item, s.Unit) else ():
            entries = {entry.key: entry.value for entry in call.entries}
            path = entries.get("path")
            if call.operation == "write" and isinstance(path, s.Literal) and str(path.value) in used:
                yield str(path.value), print_value(entries["content"]) if "content" in entries else ""


def _calls(body: list[s.Statement]) -> Iterator[s.Call]:
    for statement in body:
        match statement:
            case s.Call():
                yield statement
            case s.Step() | s.For() | s.Repeat() | s.On():
                yield from _calls(statement.body)
            case s.If():
                for _, inner in statement.arms:
                    yield from _calls(inner)
                yield from _calls(statement.otherwise or [])
            case s.Match():
                for arm in statement.arms:
                    yield from _calls(arm.body)
                yield from _calls(statement.otherwise or [])
            case s.Parallel():
                for branch in statement.branches:
                    yield from _calls(branch.body)
            case s.Evaluation():
                for check in statement.checks:
                    if isinstance(check, s.Check) and isinstance(check.subject, s.Call):
                        yield check.subject


def _printed(statement: s.Statement) -> str:
    return print_module(s.Module([s.Unit("task", s.Label("T"), [statement])]))


def _words(command: str) -> list[str]:
    return command.replace('"', " ").replace(",", " ").replace("[", " ").replace("]", " ").split()
