"""Output: options and printing that verbs share: the ledger's path, tables, JSON."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.core.errors import UsageError

if TYPE_CHECKING:
    from harness.ledger.store import Ledger
    from harness.report.table import Column

DEFAULT = Path("reports/ledger.db")
WIDEST = 120


def add_ledger(parser: argparse.ArgumentParser) -> None:
    """`--ledger PATH`."""
    parser.add_argument("--ledger", type=Path, default=DEFAULT, metavar="PATH", help=f"the ledger (default {DEFAULT})")


def add_json(parser: argparse.ArgumentParser) -> None:
    """`--json`."""
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")


def add_filters(parser: argparse.ArgumentParser) -> None:
    """`--lane` and `--suite`."""
    parser.add_argument("--lane", help="only this lane")
    parser.add_argument("--suite", help="only suites whose name contains this")


def reading(path: Path) -> Ledger:
    """A ledger open for reading; its notices go to stderr, so that stdout holds the result only.

    Raises:
        LedgerError: if it cannot be read.
    """
    from harness.ledger.store import Ledger

    return _with_notices(Ledger.read(path))


def writing(path: Path, *, create: bool = False) -> Ledger:
    """A ledger open for writing.

    Raises:
        LedgerError: if it cannot be written.
    """
    from harness.ledger.store import Ledger

    return _with_notices(Ledger.open(path, create=create))


def _with_notices(ledger: Ledger) -> Ledger:
    for notice in ledger.notices:
        print(f"crucible: {notice}", file=sys.stderr)
    return ledger


def width() -> int:
    """Columns for a table: the terminal's, or 100 where there is none."""
    import shutil

    return max(40, min(WIDEST, shutil.get_terminal_size((100, 24)).columns))


def colour() -> bool:
    """Whether stdout is a terminal and `NO_COLOR` is unset."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def print_json(value: Any) -> None:
    """One JSON document; ASCII, so that hostile text cannot upset a terminal."""
    print(json.dumps(value, indent=2))


def print_table(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
    """Print a table that fits the width of the terminal, with colours if it has any."""
    from harness.report import table

    paint = table.ansi if colour() else table.plain
    for line in table.layout(columns, rows, limit=width(), paint=paint):
        print(line)


def refuse_unwritable(path: Path | None) -> None:
    """Look before the work whether its result can be written; None is stdout.

    Raises:
        UsageError: if it cannot.
    """
    if path is None:
        return
    if path.is_dir():
        raise UsageError("this is a directory", where=str(path), fix="name a file")
    if not path.parent.is_dir():
        raise UsageError("there is no such folder to write into", where=str(path.parent), fix="create it first")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise UsageError("it cannot be written", where=str(path), fix="name a file that is yours to write")


def write_file(path: Path, text: str) -> None:
    """Write a result.

    Raises:
        UsageError: if that is not possible.
    """
    refuse_unwritable(path)
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"it cannot be written: {error.strerror}", where=str(path), fix="name a file that is yours to write"
        ) from error


def print_or_write(text: str, args: argparse.Namespace) -> None:
    """Write text to the file of `--out`, or to stdout without it."""
    if args.out is None:
        print(text, end="")
    else:
        write_file(args.out, text)
