"""Build: an artifact becomes a step at the end of the block that promises it; those of `build`, of the main unit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from harness.dsl.analysis.diagnostics import Report
from harness.dsl.analysis.functions import FILE_EXISTS
from harness.dsl.analysis.names import Names
from harness.dsl.analysis.scope import Shared
from harness.dsl.language import syntax as s
from harness.dsl.language.printer import print_module

_MAKERS = ("generator", "content", "source")
"""Parts of an artifact that say how it is made: a command, its content, the file that it is a copy of."""


def promised_artifacts(names: Names, report: Report) -> list[s.Entries]:
    """The artifacts of `build`, which a program with a task or loop makes."""
    if names.artifacts and not names.units:
        note = "add a task or loop, or remove the block"
        report.add("E406", "nothing makes the artifacts of this build", names.artifacts[0].span, note=note)
        return []
    return names.artifacts


def run_units(node: Any) -> Iterator[str]:
    """Names of the units that a syntax node runs."""
    match node:
        case s.RunUnit():
            yield node.unit
        case s.Call(actor="tool", entries=entries):
            for entry in entries:
                if entry.key == "name" and isinstance(entry.value, s.Name | s.Literal):
                    yield entry.value.name if isinstance(entry.value, s.Name) else str(entry.value.value)
        case list() | tuple():
            for part in node:
                yield from run_units(part)
        case _ if is_dataclass(node):
            for field in fields(node):
                yield from run_units(getattr(node, field.name))


def artifact_step(node: s.Entries, shared: Shared) -> s.Step:
    """The step of an artifact: it creates the file, if the program says how, and checks that it exists."""
    path = node.label.text if node.label else ""
    made: dict[str, s.Entry] = {}
    for entry in node.entries:
        if not isinstance(entry, s.Entry):
            continue
        if entry.key in _MAKERS:
            made[entry.key] = entry
        elif not shared.report.misspelt("E206", "part of an artifact", entry.key, _MAKERS, entry.span):
            shared.describe(f"{entry.key} of artifact {path}", entry)
    if len(made) > 1:
        shared.report.add("E206", f"an artifact is made in one way, not by {' and '.join(made)}", node.span)
    span = node.span
    target = s.Entry("path", _text(path, span), span)
    body: list[s.Statement] = []
    if "generator" in made:
        body.append(s.Call("tool", "run", [s.Entry("cmd", made["generator"].value, span)], [], span))
    elif "content" in made:
        content = _content(made["content"].value, shared.names)
        body.append(s.Call("tool", "write", [target, s.Entry("content", content, span)], [], span))
    elif "source" in made:
        held = f"artifact {path}"
        read = s.Entry("path", made["source"].value, span)
        body.append(s.Call("tool", "read", [read, s.Entry("output_var", _text(held, span), span)], [], span))
        write = s.Call("tool", "write", [target, s.Entry("content", s.Name(held, span), span)], [], span)
        body.append(s.If([(s.Function("defined", [s.Name(held, span)], span), [write])], None, span))
    found = s.Function(FILE_EXISTS, [_text(path, span)], span)
    missing = s.Fail(_text(f"the artifact {path} was not made", span), span)
    body.append(s.If([(s.Prefix("!", found, span), [missing])], None, span))
    return s.Step(s.Label(f"artifact {path}", True, span), body, False, span)


def _content(value: s.Value, names: Names) -> s.Value:
    """`content: design_space` is the source of that space."""
    spaces = [entries for entries in names.spaces if isinstance(value, s.Name) and entries.keyword == value.name]
    return _text(print_module(s.Module(list(spaces))), value.span) if spaces else value


def _text(text: str, span: s.Span) -> s.Literal:
    return s.Literal(text, "", '"', span)
