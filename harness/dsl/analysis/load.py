"""Load: from a file or text to a program that may run, or to one error that says everything that is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from harness.dsl.analysis import cache as kept
from harness.dsl.analysis.signature import TOOLS, Signature
from harness.dsl.ir import Program, Semantics
from harness.dsl.language.diagnostic import Diagnostic, ProgramError
from harness.dsl.types import ANY

MAX_BYTES = 4 << 20


def load_program(
    path: Path,
    *,
    inputs: Iterable[str] = (),
    tools: Mapping[str, Signature] | None = None,
    entry: str = "",
    cache: bool = True,
) -> Program:
    """The program of a file. See `check_source` for the arguments.

    Raises:
        ProgramError: if it may not run.
        OSError: if the file cannot be read.
    """
    return load_source(read(path), path=path.name, inputs=inputs, tools=tools, entry=entry, cache=cache)


def load_source(
    text: str,
    *,
    path: str = "program",
    inputs: Iterable[str] = (),
    tools: Mapping[str, Signature] | None = None,
    entry: str = "",
    cache: bool = True,
) -> Program:
    """The program of a text.

    Raises:
        ProgramError: if it may not run.
    """
    program, found = check_source(text, path=path, inputs=inputs, tools=tools, entry=entry, cache=cache)
    errors = [diagnostic for diagnostic in found if diagnostic.is_error]
    if errors or program is None:
        raise ProgramError(errors, text, path)
    return program


def check_source(
    text: str,
    *,
    path: str = "program",
    inputs: Iterable[str] = (),
    tools: Mapping[str, Signature] | None = None,
    entry: str = "",
    cache: bool = True,
) -> tuple[Program | None, list[Diagnostic]]:
    """The program, if its text can be read, and all errors and warnings in the order of the text.

    Syntax errors come alone: what a damaged statement would have declared is not missed a second time.

    Args:
        text: The program.
        path: The file's name, for messages.
        inputs: Names that are given from outside and that the text does not declare.
        tools: Signatures of tools beside the built-in ones; by default those of installed plugins.
        entry: Name of the unit a run begins with.
        cache: Whether checked programs are kept in the user's cache folder.
    """
    known = _plugin_tools(text) if tools is None else tools
    inputs = tuple(inputs)
    key = kept.compute_key(text, inputs=inputs, entry=entry) if cache and not known else ""
    found = kept.load(key, text, path) if key else None
    if found is not None:
        return found[0], [Diagnostic(*warning) for warning in found[1]]
    from harness.dsl.analysis.program import analyse
    from harness.dsl.language.parser import parse

    module, problems = parse(text)
    if problems:
        return None, problems
    program, report = analyse(module, text, path=path, inputs=inputs, tools=known, entry=entry)
    if key and not any(diagnostic.is_error for diagnostic in report.diagnostics):
        kept.store(key, program, [(d.code, d.message, d.span, d.note) for d in report.diagnostics])
    return program, report.diagnostics


def read(path: Path) -> str:
    """The text of a file.

    Raises:
        ProgramError: if it is too large, or not UTF-8.
        OSError: if it cannot be read.
    """
    with path.open("rb") as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise ProgramError([Diagnostic("E107", f"more than {MAX_BYTES} bytes", (0, 1))], "", path.name)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        text = data.decode("utf-8", "replace")
        at = len(data[: error.start].decode("utf-8", "replace"))
        raise ProgramError([Diagnostic("E106", "this is not UTF-8", (at, at + 1))], text, path.name) from error


def _plugin_tools(text: str) -> Mapping[str, Signature]:
    """Signatures of plugins' tools; they are looked for only if the text names a tool that is not built in."""
    if all(name in TOOLS for name in re.findall(r"\btool\.(\w+)", text)):
        return {}
    from harness.dsl.tools.registry import plugin_tools

    return {
        name: Signature(result=ANY, semantics=Semantics(tool.semantics), traces=True, any_parameter=True)
        for name, tool in plugin_tools().items()
    }
