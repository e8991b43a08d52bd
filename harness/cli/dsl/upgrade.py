"""Continue a run under a changed program if all its events replay equal; else exit status 1.

A run that has ended is only compared.

Example:
  crucible dsl upgrade reports/dsl/hello-1 hello.spak
  crucible dsl resume reports/dsl/hello-1 --run main/upgrade
"""

from __future__ import annotations

import argparse
from pathlib import Path

from harness.cli import output
from harness.cli.dsl import programs, run_folders
from harness.dsl.eventlog.logfile import LogFile
from harness.dsl.machine.fork import upgrade
from harness.dsl.machine.run_files import LOG


def add_arguments(parser: argparse.ArgumentParser) -> None:
    run_folders.add_run(parser, verb="upgrade")
    parser.add_argument("program", type=Path, metavar="FILE", help="the changed program")
    output.add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Exit status 1 if an event differs under the changed program."""
    folder = run_folders.find_folder(args.run_folder)
    with LogFile(folder / LOG) as file:
        log = file.open_run(args.run)
        genesis = log.program_genesis()
        program = programs.load(args.program, inputs=tuple(genesis.inputs), entry=genesis.entry)
        new, found = upgrade(file, log, program)
    if args.json:
        where = None if found.divergence is None else str(found.divergence)
        output.print_json({"run": None if new is None else new.name, "events": found.events, "divergence": where})
    elif new is None:
        print(found.divergence)
        print("the change affects recorded events: run the program again, or fork before that event")
    elif new is log:
        print(f"{new.name} has ended: all {found.events} events are equal under this program, nothing is left to run")
    else:
        print(
            f"{new.name}: `crucible dsl resume {folder} --run {new.name}` continues after {found.events} equal events"
        )
    return 0 if new is not None else 1
