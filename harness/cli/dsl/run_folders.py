"""Folders of runs: one for each run, by default below `reports/dsl`."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from harness.core.errors import UsageError
from harness.core.slug import slug
from harness.dsl.eventlog.logfile import LogFile
from harness.dsl.machine.run_files import LOG, folder_of_run

RUNS = Path("reports/dsl")


def add_run(parser: argparse.ArgumentParser, *, verb: str) -> None:
    """Add the positional RUN, and `--run` for a fork or upgrade in it."""
    parser.add_argument("run_folder", metavar="RUN", help=f"the run to {verb}: its folder, log, or name under {RUNS}")
    parser.add_argument("--run", metavar="NAME", help="a fork or upgrade in it (default: the main run)")


def find_folder(text: str) -> Path:
    """Find the folder of a run from its folder, its log or its name.

    Raises:
        UsageError: if the run does not exist.
    """
    path = Path(text)
    for folder in (path, path.parent if path.name == LOG else path, RUNS / text):
        if (folder / LOG).is_file():
            return folder
    raise UsageError(f"run {text!r} does not exist", fix="`crucible dsl runs` lists them")


def find_place(args: argparse.Namespace) -> Path:
    """Find the folder of the run that RUN and `--run` name: that of the log, or the one of a fork in it."""
    folder = find_folder(args.run_folder)
    with LogFile(folder / LOG, read_only=True) as file:
        return folder_of_run(folder, file.open_run(args.run).number)


def choose_folder(program: Path, state: Path | None) -> Path:
    """Choose the folder of a new run: `state`, or the next unused number below `reports/dsl`."""
    if state is not None:
        return state
    stem = slug(program.stem)
    taken = [
        int(found.group(1))
        for path in RUNS.glob(f"{stem}-*")
        if (found := re.fullmatch(re.escape(stem) + r"-(\d+)", path.name))
    ]
    return RUNS / f"{stem}-{max(taken, default=0) + 1}"


def open_log(text: str) -> LogFile:
    """Open the log of a run for reading.

    Raises:
        UsageError: if the run does not exist.
        LogError: if its log cannot be read.
    """
    return LogFile(find_folder(text) / LOG, read_only=True)
