"""Load: from a file or a string to a program that can run, or to one error with all diagnostics."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from harness.core.named_path import read_file
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
        ProgramError: if the program has errors.
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
    """The program of a string. See `check_source` for the arguments.

    Raises:
        ProgramError: if the program has errors.
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
    """The program, if it can be parsed, and all errors and warnings in source order.

    Syntax errors are reported alone: names that a damaged statement would declare are not reported as missing.

    Args:
        path: Name of the file, for messages.
        inputs: Names that the caller provides and the program does not declare.
        tools: Signatures of additional tools; by default those of installed plugins.
        entry: Name of the unit that a run starts with.
        cache: Whether checked programs are stored in the user's cache folder.
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
    if any(problem.is_error for problem in problems):
        return None, problems
    program, report = analyse(module, text, path=path, inputs=inputs, tools=known, entry=entry)
    report.diagnostics[:0] = problems  # text around the program
    if key and not any(diagnostic.is_error for diagnostic in report.diagnostics):
        kept.store(key, program, [(d.code, d.message, d.span, d.note) for d in report.diagnostics])
    return program, report.diagnostics


def read(path: Path) -> str:
    """The source in a file.

    Raises:
        ProgramError: if the file is too large, or not UTF-8.
        OSError: if the file cannot be read.
    """
    return decode(read_file(path, MAX_BYTES), path.name)


def decode(data: bytes, name: str) -> str:
    """The source in the bytes of a file.

    Raises:
        ProgramError: if they are too many, or not UTF-8.
    """
    if len(data) > MAX_BYTES:
        raise ProgramError([Diagnostic("E107", f"the file has more than {MAX_BYTES >> 20} MiB", (0, 1))], "", name)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        text = data.decode("utf-8", "replace")
        at = len(data[: error.start].decode("utf-8", "replace"))
        raise ProgramError([Diagnostic("E106", "invalid UTF-8", (at, at + 1))], text, name) from error


def plugin_tools_named(text: str) -> list[str]:
    """The tools that a source names and that are not built in, installed or not, sorted."""
    return sorted({name for name in re.findall(r"\btool\.(\w+)", text) if name not in TOOLS})


def _plugin_tools(text: str) -> Mapping[str, Signature]:
    """Signatures of plugins' tools; plugins are only loaded if the source names a tool that is not built in."""
    if not plugin_tools_named(text):
        return {}
    from harness.dsl.tools.registry import plugin_tools

    return {
        name: Signature(result=ANY, semantics=Semantics(tool.semantics), traces=True, any_parameter=True)
        for name, tool in plugin_tools().items()
    }
