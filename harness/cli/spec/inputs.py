"""Input files of the verbs of `crucible spec`: arguments, reading, and errors with their positions."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from harness.cli import output
from harness.core.errors import SpecError, UsageError, position
from harness.core.number import whole
from harness.grammar.language.finding import Finding
from harness.grammar.language.grammar import Grammar
from harness.grammar.language.lint import Lint, lint_text
from harness.grammar.tool_host import ParseBinaryInput, ParseResult, ToolHost

MAX_ERRORS = 20


def add_grammar(parser: argparse.ArgumentParser) -> None:
    """Add the argument GRAMMAR."""
    parser.add_argument("grammar", type=Path, metavar="GRAMMAR", help="a grammar file (YAML)")


def add_file(parser: argparse.ArgumentParser) -> None:
    """Add FILE and the options that select a part of it."""
    parser.add_argument("file", type=Path, metavar="FILE", help="a binary file")
    parser.add_argument("--offset", type=whole(), default=0, metavar="N", help="start here (12 or 0x0c)")
    parser.add_argument("--limit", type=whole(), metavar="N", help="parse at most N bytes")
    parser.add_argument("--max-records", type=whole(1), metavar="N", help="read at most N top-level records")


def add_file_arguments(parser: argparse.ArgumentParser) -> None:
    """Add GRAMMAR, FILE with its options, and `--json`."""
    add_grammar(parser)
    add_file(parser)
    output.add_json(parser)


def add_sets(parser: argparse.ArgumentParser) -> None:
    """Add GRAMMAR, the sample files, and `--holdout`."""
    add_grammar(parser)
    parser.add_argument("samples", type=Path, nargs="+", metavar="FILE", help="binary files")
    parser.add_argument("--holdout", type=Path, nargs="+", default=[], metavar="FILE", help="files for validation only")


def read_sets(args: argparse.Namespace) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """Read the samples and the hold-out files; both by path.

    Raises:
        UsageError: if a file is both a sample and a hold-out file, or cannot be read.
    """
    samples, holdout = ({str(path): read_bytes(path) for path in paths} for paths in (args.samples, args.holdout))
    seen = {data: name for name, data in samples.items()}
    for name, data in holdout.items():
        if data in seen:
            raise UsageError(f"is also a sample: {seen[data]}", where=name, fix="keep the two sets apart")
    return samples, holdout


def read_text(path: Path) -> str:
    """Read a text file.

    Raises:
        UsageError: if it cannot be read, or is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UsageError(f"it cannot be read: {error.strerror}", where=str(path), fix="name a file") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"it is not UTF-8: {error.reason}", where=str(path)) from None


def read_bytes(path: Path) -> bytes:
    """Read a binary file.

    Raises:
        UsageError: if it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"it cannot be read: {error.strerror}", where=str(path), fix="name a file") from None


def lint_file(path: Path) -> Lint:
    """Lint a grammar file; an invalid grammar gives findings, not an exception."""
    return lint_text(read_text(path), name=str(path))


def load_grammar(path: Path) -> Grammar:
    """Load a grammar.

    Raises:
        SpecError: if lint finds errors; with the position of the first and the number of the others.
    """
    found = lint_file(path)
    if found.grammar is None:
        first, more = found.errors[0], len(found.errors) - 1
        raise SpecError(
            first.message + (f" (and {more} more: crucible spec lint {path})" if more else ""),
            where=format_position(path, first),
            fix=first.hint,
        )
    return found.grammar


def format_position(path: Path, finding: Finding) -> str:
    """Return `file:line:column` of a finding."""
    return position(path, finding.line or None, finding.column or None)


def parse_file(args: argparse.Namespace) -> ParseResult:
    """Parse the file with the grammar; parse errors are in the result.

    Raises:
        SpecError: if the grammar is invalid.
        UsageError: if the file cannot be read.
    """
    result = ToolHost.parse_binary(
        ParseBinaryInput(
            grammar=load_grammar(args.grammar),
            file_path=args.file,
            offset=args.offset,
            limit=args.limit,
            max_records=args.max_records,
        )
    )
    if result.parse is None:
        raise UsageError(result.errors[0], where=str(args.file))
    return result


def print_errors(result: ParseResult) -> None:
    """Print the errors and the warnings of a parse to stderr, at most `MAX_ERRORS` of each."""
    warnings = [f"warning: {fault}" for fault in result.parse.warnings] if result.parse is not None else []
    for lines, what in ((list(result.errors), "errors"), (warnings, "warnings")):
        print(*lines[:MAX_ERRORS], sep="\n", end="\n" if lines else "", file=sys.stderr)
        if len(lines) > MAX_ERRORS:
            print(f"... and {len(lines) - MAX_ERRORS} more {what}", file=sys.stderr)
