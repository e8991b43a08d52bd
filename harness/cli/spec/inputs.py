"""Inputs: the files that the verbs of `crucible spec` take."""

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


def add_grammar(parser: argparse.ArgumentParser) -> None:
    """Add the argument GRAMMAR, a path."""
    parser.add_argument("grammar", type=Path, metavar="GRAMMAR", help="a grammar file (YAML)")


def add_file(parser: argparse.ArgumentParser) -> None:
    """FILE and where in it to look."""
    parser.add_argument("file", type=Path, metavar="FILE", help="a binary file")
    parser.add_argument("--offset", type=whole(), default=0, metavar="N", help="start here (12 or 0x0c)")
    parser.add_argument("--limit", type=whole(), metavar="N", help="look at no more bytes than this")
    parser.add_argument("--max-records", type=whole(1), metavar="N", help="read no more top-level records than this")


def add_file_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments GRAMMAR and FILE, the options of FILE, and `--json`."""
    add_grammar(parser)
    add_file(parser)
    output.add_json(parser)


def add_sets(parser: argparse.ArgumentParser) -> None:
    """GRAMMAR, samples and hold-out files."""
    add_grammar(parser)
    parser.add_argument("samples", type=Path, nargs="+", metavar="FILE", help="binary files")
    parser.add_argument(
        "--holdout", type=Path, nargs="+", default=[], metavar="FILE", help="files that nothing is learned from"
    )


def read_sets(args: argparse.Namespace) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """Samples and hold-out, by path.

    Raises:
        UsageError: if a file is in both sets, or cannot be read.
    """
    samples, holdout = ({str(path): read_bytes(path) for path in paths} for paths in (args.samples, args.holdout))
    seen = {data: name for name, data in samples.items()}
    for name, data in holdout.items():
        if data in seen:
            raise UsageError(f"is also a sample: {seen[data]}", where=name, fix="keep the two sets apart")
    return samples, holdout


def read_text(path: Path) -> str:
    """A text file.

    Raises:
        UsageError: if it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UsageError(f"it cannot be read: {error.strerror}", where=str(path), fix="name a file") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"it is not UTF-8 text: {error.reason}", where=str(path)) from None


def read_bytes(path: Path) -> bytes:
    """A binary file.

    Raises:
        UsageError: if it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"it cannot be read: {error.strerror}", where=str(path), fix="name a file") from None


def lint_file(path: Path) -> Lint:
    """What lint has to say of a file."""
    return lint_text(read_text(path), name=str(path))


def load_grammar(path: Path) -> Grammar:
    """A grammar that passed lint.

    Raises:
        SpecError: with the first error's place, and how many more there are.
    """
    found = lint_file(path)
    if found.grammar is None:
        first, more = found.errors[0], len(found.errors) - 1
        raise SpecError(
            first.message + (f" (and {more} more: crucible spec lint {path})" if more else ""),
            where=place(path, first),
            fix=first.hint,
        )
    return found.grammar


def place(path: Path, finding: Finding) -> str:
    """`file:line:column` of a finding."""
    return position(path, finding.line or None, finding.column or None)


def parsed(args: argparse.Namespace) -> ParseResult:
    """The file read with the grammar; errors of the file go to stderr.

    Raises:
        SpecError: if the grammar is wrong.
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


def complain(result: ParseResult, *, most: int = 20) -> None:
    """Errors of a parse, to stderr."""
    for error in result.errors[:most]:
        print(error, file=sys.stderr)
    if len(result.errors) > most:
        print(f"... and {len(result.errors) - most} more errors", file=sys.stderr)
