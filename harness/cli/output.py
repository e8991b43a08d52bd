"""Options and output that verbs share: the ledger, filters, tables, JSON, result files."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.cli.printable_stream import raw
from harness.core import named_path
from harness.core.errors import UsageError
from harness.core.os_fault import fix_of
from harness.core.tier import Tier

if TYPE_CHECKING:
    from harness.ledger.store import Ledger
    from harness.report.table import Column

DEFAULT_LEDGER = Path("reports/ledger.db")
MIN_WIDTH, DEFAULT_WIDTH, MAX_WIDTH = 40, 100, 120  # columns of a table

WRITABLE = "name a file that you may write"


def add_ledger(parser: argparse.ArgumentParser) -> None:
    """Add `--ledger PATH`."""
    parser.add_argument(
        "--ledger", type=Path, default=DEFAULT_LEDGER, metavar="PATH", help=f"the ledger (default {DEFAULT_LEDGER})"
    )


def add_min_tier(parser: argparse.ArgumentParser) -> None:
    """Declare `--min-tier`."""
    parser.add_argument(
        "--min-tier",
        type=str.upper,
        choices=[tier.value for tier in Tier],
        help="weakest isolation that is accepted, A (strongest) to E (none); default C. `crucible doctor` shows this "
        "machine's",
    )


def add_cluster(parser: argparse.ArgumentParser) -> None:
    """Declare `--cluster` and `--insecure`."""
    parser.add_argument("--cluster", metavar="ADDRESS", help="judge on a Dask cluster: tcp://…, tls://… or local")
    parser.add_argument("--insecure", action="store_true", help="let --cluster reach another machine without TLS")


def add_epoch(parser: argparse.ArgumentParser) -> None:
    """Declare `--epoch`."""
    from harness.core.number import whole

    described = "the epoch: budgets tighten from one to the next (default 0)"
    parser.add_argument("--epoch", type=whole(), default=0, metavar="N", help=described)


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add `--json`."""
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")


def add_filters(parser: argparse.ArgumentParser) -> None:
    """Add `--lane` and `--suite`."""
    parser.add_argument("--lane", help="only this lane")
    parser.add_argument("--suite", help="only suites whose name contains this")


def add_provider(parser: argparse._ActionsContainer) -> None:
    """Add the options of a provider: `--backend`, its model, server, program and files."""
    from harness.core.number import amount
    from harness.providers.backends import BACKENDS

    parser.add_argument("--backend", choices=BACKENDS, help="a provider that answers")
    for name, metavar, what in (
        ("--model", "NAME", "model of the provider"),
        ("--base-url", "URL", "server of the provider"),
        ("--command", "LINE", "for --backend command: the program that answers"),
        ("--answers", "FILE", "for --backend file: the file with answers"),
        ("--cassette", "FILE", "recorded answers; missing ones are added"),
    ):
        parser.add_argument(name, default="", metavar=metavar, help=what)
    what = "seconds for an answer (default 120)"
    parser.add_argument("--timeout", type=amount(0.001), default=120.0, metavar="S", help=what)


def refuse_empty(ledger: Ledger, args: argparse.Namespace) -> None:
    """Say which suites there are, for a verb whose `--lane` and `--suite` match nothing.

    Raises:
        LedgerError: if no suite of the ledger matches.
    """
    from harness.core.errors import LedgerError

    rows = ledger.rows("SELECT DISTINCT lane, suite FROM evaluations ORDER BY lane, suite")
    if any(args.lane in (None, row["lane"]) and (args.suite or "") in row["suite"] for row in rows):
        return
    known = ", ".join(f"{row['lane']} · {row['suite']}" for row in rows)
    what = "no suite matches the filters" if known else "the ledger holds no verdict"
    fix = f"choose one of {known}" if known else "run `pytest` on a suite with this --ledger"
    raise LedgerError(what, where=str(args.ledger), fix=fix)


def read_ledger(path: Path) -> Ledger:
    """Open a ledger read-only; its notices go to stderr, so that stdout holds only the result.

    Raises:
        LedgerError: if it cannot be read.
    """
    from harness.ledger.store import Ledger

    return _print_notices(Ledger.read(path))


def open_ledger(path: Path, *, create: bool = False) -> Ledger:
    """Open a ledger for writing, or create it if `create`; its notices go to stderr.

    Raises:
        LedgerError: if it cannot be written.
    """
    from harness.ledger.store import Ledger

    return _print_notices(Ledger.open(path, create=create))


def _print_notices(ledger: Ledger) -> Ledger:
    for notice in ledger.notices:
        print(f"crucible: {notice}", file=sys.stderr)
    return ledger


def measure_width() -> int:
    """Return the columns of a table: those of the terminal within bounds, or 100 without a terminal."""
    import shutil

    return max(MIN_WIDTH, min(MAX_WIDTH, shutil.get_terminal_size((DEFAULT_WIDTH, 24)).columns))


def has_colour() -> bool:
    """Whether stdout shows colours: it is a terminal and NO_COLOR is not set."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def print_json(value: Any) -> None:
    """Print one JSON document in ASCII, so that hostile strings cannot control the terminal."""
    print(json.dumps(value, indent=2))


def print_result(args: argparse.Namespace, value: Any, line: str) -> int:
    """Print the value with `--json`, else the line; returns exit status 0."""
    if args.json:
        print_json(value)
    else:
        print(line)
    return 0


def print_table(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
    """Print rows as an aligned table that fits the terminal."""
    from harness.report import table

    paint = table.ansi if has_colour() else table.plain
    for line in table.layout(columns, rows, limit=measure_width(), paint=paint):
        print(line, file=raw(sys.stdout))


def refuse_unwritable(path: Path | None) -> None:
    """Check before the work that its result can be written; None is stdout.

    Raises:
        UsageError: if the file cannot be written.
    """
    if path is None:
        return
    if path.is_dir():
        raise UsageError("it is a folder", where=str(path), fix="name a file")
    if not path.parent.is_dir():
        raise UsageError("the folder does not exist", where=str(path.parent), fix="create it first")
    try:
        named_path.require_writable(path)
    except OSError as error:
        raise UsageError(f"it cannot be written: {error.strerror}", where=str(path), fix=WRITABLE) from error


def write_file(path: Path, result: str | bytes) -> None:
    """Write a result, a string as UTF-8, as `harness.core.named_path.write_file` does.

    Raises:
        UsageError: if the file cannot be written.
    """
    refuse_unwritable(path)
    try:
        named_path.write_file(path, result.encode("utf-8") if isinstance(result, str) else result)
    except OSError as error:
        raise UsageError(f"it cannot be written: {error.strerror}", where=str(path), fix=fix_of(error)) from error


def print_document(text: str) -> None:
    """Print a file's content: as it is into a file or a pipe, escaped on a terminal."""
    stream = sys.stdout if sys.stdout.isatty() else raw(sys.stdout)
    print(text, end="" if text.endswith("\n") else "\n", file=stream)


def print_or_write(text: str, args: argparse.Namespace) -> None:
    """Write a string to the file of `--out` and print its path, or the string to stdout without that option."""
    if args.out is None:
        print_document(text)
    else:
        write_file(args.out, text)
        print(args.out)
