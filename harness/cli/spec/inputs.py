"""Input files of the verbs of `crucible spec`: arguments, reading, and errors with their positions."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from mmap import mmap
from pathlib import Path

from harness.cli import output
from harness.core.document import MAX_BYTES
from harness.core.errors import SpecError, UsageError, position
from harness.core.named_path import read_file
from harness.core.number import offset, whole
from harness.core.os_fault import fix_of
from harness.grammar.engine.fault import FaultKind
from harness.grammar.engine.limits import DEFAULT, Limits
from harness.grammar.engine.parse_result import Parse
from harness.grammar.host.file_reader import MAX_READ, load, parse_bytes
from harness.grammar.language.finding import Finding
from harness.grammar.language.grammar import Grammar
from harness.grammar.language.lint import Lint, lint_text
from harness.grammar.tool_host import ParseBinaryInput, ParseResult
from harness.report import words

MAX_ERRORS = 20
PROGRESS_S = 5.0  # seconds between two lines about a parse that takes long


def add_grammar(parser: argparse.ArgumentParser) -> None:
    """Add the argument GRAMMAR."""
    parser.add_argument("grammar", type=Path, metavar="GRAMMAR", help="a grammar file (YAML)")


def add_files(parser: argparse.ArgumentParser, *, several: bool = False) -> None:
    """Add [GRAMMAR] FILE, the options that select a part of it, and `--json`."""
    what = "binary files" if several else "a binary file"
    parser.add_argument(
        "files",
        nargs="+",
        metavar="[GRAMMAR] FILE",
        help=f"{what} (- is stdin), after a grammar (YAML); without one the grammar is found by the file's first bytes",
    )
    parser.add_argument("--offset", type=offset, default=0, metavar="N", help="start here (12 or 0x0c)")
    parser.add_argument("--limit", type=offset, metavar="N", help="parse at most N bytes")
    parser.add_argument("--max-records", type=whole(1), metavar="N", help="read at most N top-level records")
    output.add_json(parser)


def add_sets(parser: argparse.ArgumentParser) -> None:
    """Add GRAMMAR, the sample files, and `--holdout`."""
    add_grammar(parser)
    parser.add_argument("samples", type=Path, nargs="+", metavar="FILE", help="binary files")
    parser.add_argument(
        "--holdout",
        type=Path,
        nargs="+",
        default=[],
        metavar="FILE",
        help="files that are scored, but that nothing is learned from",
    )


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
        UsageError: if it cannot be read, has more than `MAX_BYTES`, or is not UTF-8.
    """
    data = read_bytes(path, MAX_BYTES)
    if len(data) > MAX_BYTES:
        raise UsageError(f"it has more than {MAX_BYTES >> 20} MiB", where=str(path), fix="split it")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        what = f"byte {error.start} is not UTF-8"
        raise UsageError(what, where=str(path), fix="name a text file, saved as UTF-8") from None


def read_bytes(path: Path, max_bytes: int | None = None) -> bytes:
    """Read a binary file, at most one byte more than `max_bytes`.

    Raises:
        UsageError: if it cannot be read.
    """
    try:
        return read_file(path, max_bytes)
    except OSError as error:
        raise UsageError(f"it cannot be read: {error.strerror}", where=str(path), fix=fix_of(error)) from None


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
        what = first.message + (f" (and {more} more: crucible spec lint {path})" if more else "")
        raise SpecError(what, where=format_position(path, first), fix=first.hint)
    return found.grammar


def format_position(path: Path, finding: Finding) -> str:
    """Return `file:line:column` of a finding."""
    return position(path, finding.line or None, finding.column or None)


@dataclass(frozen=True)
class Inputs:
    """The grammar and the files of a call."""

    grammar: Grammar
    grammar_path: Path
    files: tuple[str, ...]


def read_inputs(args: argparse.Namespace, *, several: bool = False) -> Inputs:
    """Read the grammar of `[GRAMMAR] FILE`, or find it by the magic number of the first file.

    Raises:
        SpecError: if the grammar is invalid.
        UsageError: if no grammar recognises the file, or there are several files where one is wanted.
    """
    first, *files = args.files
    if files and Path(first).suffix.lower() in (".yaml", ".yml"):
        path = Path(first)
    else:
        files = args.files
        path = _detect(files[0])
    if len(files) > 1 and not several:
        fix = "name one file" if path.name == Path(first).name else "a grammar is a .yaml file, and comes first"
        raise UsageError(f"{len(files)} files are given", where=" ".join(files[:3]), fix=fix)
    return Inputs(load_grammar(path), path, tuple(files))


def _detect(name: str) -> Path:
    from harness.grammar.host.detection import detect, folders

    if name == "-":
        raise UsageError("the format of stdin cannot be detected", fix="name a grammar before -")
    where = folders()
    found = detect(_load(name), where)
    if found is None:
        shown = ", ".join(str(folder) for folder in where) or "no folder of grammars"
        fix = f"name a grammar first (looked in {shown})"
        raise UsageError("no grammar has the magic number of this file", where=name, fix=fix)
    return found


def _load(name: str) -> bytes | mmap:
    if not name:
        raise UsageError("the path of a file is empty", fix="name a file")
    try:
        return load(Path(name))
    except OSError as error:
        raise UsageError(f"it cannot be read: {error.strerror}", where=name, fix=fix_of(error)) from None


def preview_limits(name: str, end: int | None, *, is_whole: bool = False) -> Limits:
    """Limits that end the parse of a file above 16 MiB at an offset, unless the whole file is wanted."""
    large = end is not None and not is_whole and name != "-" and Path(name).is_file()
    return replace(DEFAULT, stop_at=end) if large and Path(name).stat().st_size > MAX_READ else DEFAULT


def report_progress(name: str, size: int) -> Callable[[int], None]:
    """Make the `progress` of a parse: what takes longer than `PROGRESS_S` says so on stderr, and again each time.

    Args:
        name: The file.
        size: Its bytes.
    """
    begun = shown = time.monotonic()

    def report(at: int) -> None:
        nonlocal shown
        if (now := time.monotonic()) - shown >= PROGRESS_S:
            shown = now
            share = at / max(1, size)
            print(f"note: {name}: {share:.0%} of {size} bytes read in {now - begun:.0f} s", file=sys.stderr, flush=True)

    return report


def parse_file(
    args: argparse.Namespace, *, found: Inputs | None = None, name: str | None = None, limits: Limits = DEFAULT
) -> ParseResult:
    """Parse a file with its grammar; parse errors are in the result.

    Args:
        args: The arguments of `add_files`.
        found: Of `read_inputs`, if it was called before.
        name: The file; default is the only one.

    Raises:
        SpecError: if the grammar is invalid.
        UsageError: if the file cannot be read.
    """
    found = found or read_inputs(args)
    name = name if name is not None else found.files[0]
    data = sys.stdin.buffer.read() if name == "-" else _load(name)
    request = ParseBinaryInput(
        grammar=found.grammar,
        file_path=Path(name),
        offset=args.offset,
        limit=args.limit,
        max_records=args.max_records,
        limits=replace(limits, progress=report_progress(name, len(data))),
    )
    result = parse_bytes(request, data)
    if result.parse is None:
        raise UsageError(result.errors[0], where=name)
    return result


def parse_of(result: ParseResult) -> Parse:
    """The engine's parse of a result of `parse_file`, which always has one."""
    if result.parse is None:
        raise TypeError(result)
    return result.parse


def print_notes(result: ParseResult) -> None:
    """Print on stderr what the output does not show: that a limit ended the parse, and the number of parse errors."""
    _print_limits(result)
    if count := len(result.errors):
        print(f"note: {words.count(count, 'parse error')}; `crucible spec parse` lists them", file=sys.stderr)


def _print_limits(result: ParseResult) -> None:
    found = parse_of(result)
    if found.stopped:
        print(f"note: only the first {found.stopped_at} bytes of {found.size} were parsed", file=sys.stderr)
    for fault in found.errors:
        if fault.kind is FaultKind.LIMIT:
            where = f"at 0x{found.stopped_at:x} of 0x{found.size:x}"
            print(f"note: a limit ended the parse {where}: {fault}", file=sys.stderr)


def print_errors(result: ParseResult) -> None:
    """Print the errors and the warnings of a parse to stderr, at most `MAX_ERRORS` of each."""
    _print_limits(result)
    warnings = [f"warning: {fault}" for fault in result.parse.warnings] if result.parse is not None else []
    for lines, what in ((list(result.errors), "errors"), (warnings, "warnings")):
        print(*lines[:MAX_ERRORS], sep="\n", end="\n" if lines else "", file=sys.stderr)
        if len(lines) > MAX_ERRORS:
            print(f"... and {len(lines) - MAX_ERRORS} more {what}", file=sys.stderr)
