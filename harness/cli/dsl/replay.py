"""Execute a run again with its recorded effects; exit status 1 at the first event that comes out differently.

Example:
  crucible dsl replay reports/dsl/hello-1
"""

from __future__ import annotations

import argparse

from harness.cli import output
from harness.cli.dsl import run_folders
from harness.dsl.machine.replay import replay
from harness.dsl.machine.stored_run import stored_program


def add_arguments(parser: argparse.ArgumentParser) -> None:
    run_folders.add_run(parser, verb="replay")
    output.add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Exit status 1 if an event differs."""
    with run_folders.open_log(args.run_folder) as file:
        log = file.open_run(args.run)
        found = replay(stored_program(file, log), log, run=log.run_hash)
        name = log.name
    divergence = found.divergence
    if args.json:
        output.print_json(
            {
                "run": name,
                "events": found.events,
                "equal": divergence is None,
                "divergence": None
                if divergence is None
                else {
                    "seq": divergence.seq,
                    "where": divergence.where,
                    "label": divergence.label,
                    "differences": [
                        {"path": d.path, "recorded": d.recorded, "produced": d.produced} for d in divergence.differences
                    ],
                },
            }
        )
    elif divergence is None:
        print(f"{name}: {found.events} events, all equal to the recorded ones")
    else:
        print(divergence)
    return 0 if divergence is None else 1
