"""Write a run as a Markdown report: its trace items, facts, rules, invariants, checks, searches, and the laws in them.

Example:
  crucible dsl report reports/dsl/matmul-1
  crucible dsl report reports/dsl/matmul-1 --out Final_MatMul_Report.md
"""

from __future__ import annotations

import argparse
from pathlib import Path

from harness.cli import output
from harness.cli.dsl import run_folders


def add_arguments(parser: argparse.ArgumentParser) -> None:
    run_folders.add_run(parser, verb="report")
    parser.add_argument("--out", type=Path, metavar="FILE", help="the report (default: stdout)")


def run(args: argparse.Namespace) -> int:
    from harness.core.errors import UsageError
    from harness.dsl.machine.export import trace
    from harness.dsl.machine.stored_run import stored_outcome, stored_program
    from harness.dsl.mining.domain_writer import write
    from harness.dsl.mining.findings import Findings, find
    from harness.dsl.mining.reports import Wanted, read_records
    from harness.dsl.mining.traces import trace_records
    from harness.dsl.run_report import report

    with run_folders.open_log(args.run_folder) as file:
        log = file.open_run(args.run)
        program = stored_program(file, log)
        records = trace_records(trace(program, log), program.name)
        try:
            laws = find(read_records(records, Path(log.name), Wanted()))
        except UsageError:  # several columns compete: `crucible dsl lift RUN --metric NAME` chooses one
            laws = Findings((), ())
        text = report(program, log, stored_outcome(program, log), laws, write(laws, name=program.name))
    output.print_or_write(text, args)
    return 0
