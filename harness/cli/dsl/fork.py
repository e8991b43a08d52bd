"""Start a new run from any event of a run; the old run does not change.

The log is shared; the work files are those of that event, and each run changes its copy.

Example:
  crucible dsl fork reports/dsl/hello-1 10
  crucible dsl resume reports/dsl/hello-1 --run main/fork-10
"""

from __future__ import annotations

import argparse

from harness.cli import output
from harness.cli.dsl import run_folders
from harness.core.number import whole
from harness.dsl.eventlog.logfile import LogFile
from harness.dsl.machine.fork import fork
from harness.dsl.machine.run_files import LOG


def add_arguments(parser: argparse.ArgumentParser) -> None:
    run_folders.add_run(parser, verb="fork")
    parser.add_argument("seq", type=whole(), metavar="SEQ", help="the last event both share; `trace` shows them")
    output.add_json(parser)


def run(args: argparse.Namespace) -> int:
    folder = run_folders.find_folder(args.run_folder)
    with LogFile(folder / LOG) as file:
        new = fork(file, file.open_run(args.run), args.seq)
    line = f"{new.name}: `crucible dsl resume {folder} --run {new.name}` continues after event {args.seq}"
    return output.print_result(args, {"run": new.name, "seq": args.seq, "head": new.head.hex()}, line)
