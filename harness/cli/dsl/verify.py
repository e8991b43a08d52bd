"""Check the hashes of a run's log: chains, large values, snapshots, forks; exit status 1 if any is wrong.

The chain detects damage. To detect a log that was rewritten as a whole, compare the head with one kept elsewhere.

Example:
  crucible dsl verify reports/dsl/hello-1
  crucible dsl verify reports/dsl/hello-1 --head 180e4754de10096496128173934c78dc
"""

from __future__ import annotations

import argparse

from harness.cli import output
from harness.cli.dsl import run_folders
from harness.dsl.machine.verify import verify
from harness.report import words


def add_arguments(parser: argparse.ArgumentParser) -> None:
    run_folders.add_run(parser, verb="check")
    parser.add_argument("--head", metavar="HASH", help="the expected head of the main run, from a report")
    output.add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Exit status 1 if the log has a problem."""
    with run_folders.open_log(args.run_folder) as file:
        found = verify(file)
        name = file.open_run(args.run).name
    problems = [str(problem) for problem in found.problems]
    heads = dict(found.runs)
    if args.head and heads.get(name) != args.head:
        problems.append(f"{name}: the head is {heads.get(name)}, not {args.head}")
    if args.json:
        output.print_json({"events": found.events, "runs": heads, "problems": problems})
    else:
        for problem in problems:
            print(problem)
        for run_name, head in found.runs:
            print(f"{run_name}: {head}")
        count = words.count(len(problems), "problem") if problems else "no problems"
        print(f"{found.events} events, {count}")
    return 1 if problems else 0
