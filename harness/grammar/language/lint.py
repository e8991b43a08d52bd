"""Lint: turns a grammar's text or values into a `Grammar`, or into a list of errors with positions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.core.document import read_text
from harness.core.errors import SuiteError
from harness.grammar.language.builder import build
from harness.grammar.language.checker import check
from harness.grammar.language.finding import Finding, Key, Report
from harness.grammar.language.grammar import Grammar
from harness.grammar.processing import Processor


@dataclass(frozen=True, slots=True)
class Lint:
    """The result of lint; it has a grammar exactly if there are no errors.

    Attributes:
        grammar: The grammar, ready for the engine.
        errors: All errors in the order of the document.
        warnings: Constructs that are allowed but probably not intended.
    """

    grammar: Grammar | None
    errors: tuple[Finding, ...]
    warnings: tuple[Finding, ...]


def lint_text(text: str, *, name: str = "grammar") -> Lint:
    """Lint a YAML text, named `name` in messages; never raises."""
    try:
        document = read_text(text, Path(name))
    except SuiteError as error:
        line, column = _place(error.where)
        return Lint(None, (Finding("yaml", f"YAML parse error: {error.what}", (), line, column, error.fix),), ())
    return lint_value(document.value, positions=document.positions)


def lint_value(
    value: Any, *, positions: dict[Key, tuple[int, int]] | None = None, processes: Mapping[str, Processor] | None = None
) -> Lint:
    """Lint a document's values; never raises, and never changes them.

    Args:
        value: Mappings, lists and scalars.
        positions: Line and column by key path, if they are known.
        processes: Processors by name, in addition to the built-in ones.
    """
    report = Report(positions or {})
    grammar = build(value, report, processes or {})
    if grammar is not None and not report.errors:
        check(grammar, report)
    elif grammar is not None:
        _check_rest(grammar, report)
    errors = sorted(report.errors, key=lambda f: (f.line, f.column)) if positions else report.errors
    return Lint(None if errors else grammar, tuple(errors), tuple(report.warnings))


def _check_rest(grammar: Grammar, report: Report) -> None:
    """Check names and types, also if the builder reported errors; consequences of those are not reported again."""
    known = {finding.path for finding in report.errors}
    later = Report(report.positions)
    try:
        check(grammar, later)
    except (KeyError, AttributeError, TypeError):  # a part that could not be built is missing
        return
    broken = {path[:end] for path in known for end in range(2, len(path) + 1)}
    report.errors.extend(f for f in later.errors if f.path not in broken and f.code != "zero-size")


def _place(where: str) -> tuple[int, int]:
    parts = where.rsplit(":", 2)
    if len(parts) == 3 and parts[1].isdigit() and parts[2].isdigit():
        return int(parts[1]), int(parts[2])
    return 0, 0
