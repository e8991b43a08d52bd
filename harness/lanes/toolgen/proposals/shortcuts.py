"""Shortcuts: early returns for a kind of argument, made from a counter-example."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Any

from harness.lanes.toolgen.proposals.edit import Edit, SourceText, is_docstring

PLAIN: tuple[Any, ...] = (None, True, False, 0, 1, -1, "", [], {}, 0.0)
"""Answers that a shortcut may state; any other one would be the answer to this one question."""


def shortcuts(source: str, entry: str, arguments: Mapping[str, Any], expected: Any) -> Iterator[Edit]:
    """Edits that answer a kind of argument at the beginning of the entry function.

    The conditions are general (empty, of length 1, zero, negative, None) and hold for the counter-example; the answer
    is one of the arguments or a plain value. No argument is compared with the whole value of the example: that would
    be special-casing.

    Args:
        arguments: Keyword arguments of a question that is answered wrongly.

    Raises:
        SyntaxError: if the source is not Python.
    """
    text = SourceText(source)
    allowed = text.editable_lines()
    for function in text.tree.body:
        if not (isinstance(function, ast.FunctionDef) and function.name == entry):
            continue
        body = function.body[1:] if is_docstring(function.body[0]) else function.body
        lines = text.line_span(body[0]) if body else None
        if lines is None or (allowed is not None and body[0].lineno not in allowed):
            return
        indent = text.indent(body[0])
        names = {one.arg for one in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)}
        for condition in _conditions({name: value for name, value in arguments.items() if name in names}):
            for answer in _answers(arguments, expected, names):
                code = f"{indent}if {condition}:\n{indent}    return {answer}\n"
                yield Edit("shortcut", (lines[0], lines[0]), code, body[0].lineno)


def _conditions(arguments: Mapping[str, Any]) -> Iterator[str]:
    for name, value in arguments.items():
        if value is None:
            yield f"{name} is None"
        elif isinstance(value, bool):
            yield name if value else f"not {name}"
        elif isinstance(value, int | float):
            if value == 0:
                yield f"{name} == 0"
            elif value < 0:
                yield f"{name} < 0"
        elif isinstance(value, str | bytes | list | tuple | dict):
            if not value:
                yield f"not {name}"
            elif len(value) == 1:
                yield f"len({name}) == 1"
            elif isinstance(value, str) and not value.strip():
                yield f"not {name}.strip()"


def _answers(arguments: Mapping[str, Any], expected: Any, names: set[str]) -> Iterator[str]:
    for name, value in arguments.items():
        if name in names and type(value) is type(expected) and value == expected:
            yield f"{name}[:]" if isinstance(value, list) else name
    for plain in PLAIN:
        if type(plain) is type(expected) and plain == expected:
            yield repr(plain)
