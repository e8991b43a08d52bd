"""List runs and their forks with status and head.

Example:
  crucible dsl runs
  crucible dsl runs elsewhere/dsl --json
"""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.cli import output
from harness.cli.dsl import run_folders
from harness.core.errors import UsageError
from harness.dsl.eventlog.fault import LogError
from harness.dsl.eventlog.logfile import LogFile
from harness.dsl.machine.run_files import LOG
from harness.report.table import Column

COLUMNS = (
    Column("run", flexible=True, min_width=16),
    Column("name", flexible=True, min_width=8),
    Column("status"),
    Column("events", right=True),
    Column("head", optional=2),
    Column("begun", optional=1),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "folder",
        nargs="?",
        type=Path,
        default=run_folders.RUNS,
        help=f"the folder of the runs (default {run_folders.RUNS})",
    )
    output.add_json(parser)


def run(args: argparse.Namespace) -> int:
    if args.folder != run_folders.RUNS and not args.folder.is_dir():
        raise UsageError("the folder does not exist", where=str(args.folder), fix="choose a folder that holds runs")
    folders = [args.folder] if (args.folder / LOG).is_file() else sorted(p.parent for p in args.folder.glob(f"*/{LOG}"))
    found: list[dict[str, Any]] = []
    for folder in folders:
        try:
            with LogFile(folder / LOG, read_only=True) as file:
                rows = file.runs()
        except LogError as error:
            found.append(_build_row(folder, "", f"unreadable: {error.what}"))
            continue
        for row in rows:
            begun = datetime.fromtimestamp(row.created, UTC).isoformat(timespec="seconds")
            found.append(_build_row(folder, row.name, row.status, events=row.events, head=row.head, begun=begun))
    if args.json:
        output.print_json(found)
    elif not found:
        print(f"no runs in {args.folder}")
    else:
        output.print_table(
            COLUMNS, [[str(value) for value in (one | {"head": one["head"][:12]}).values()] for one in found]
        )
    return 0


def _build_row(
    folder: Path, name: str, status: str, *, events: int = 0, head: str = "", begun: str = ""
) -> dict[str, Any]:
    return {"run": str(folder), "name": name, "status": status, "events": events, "head": head, "begun": begun}
