"""End a run for good: running tools are ended, open questions stay unanswered, and the log says why.

Example:
  crucible dsl cancel reports/dsl/tune-1 --why 'wrong data'
"""

from __future__ import annotations

import argparse

from harness.cli import output
from harness.cli.dsl import display, run_folders
from harness.dsl.eventlog.fault import LogError
from harness.dsl.machine.inbox import Inbox
from harness.dsl.machine.session import Session


def add_arguments(parser: argparse.ArgumentParser) -> None:
    run_folders.add_run(parser, verb="end")
    parser.add_argument("--why", default="a user cancelled it", metavar="TEXT", help="the reason, for the log")
    output.add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Exit status 0 if the run has ended, or the process that runs it was asked to end it."""
    folder = run_folders.find_folder(args.run_folder)
    inbox = Inbox(run_folders.find_place(args))
    inbox.cancel(args.why)
    try:
        with Session.resume(folder, run=args.run) as session:
            outcome = session.run()
            display.write_exports(session, outcome)
            status = outcome.status
    except LogError as error:
        if "is running this log" not in str(error):
            inbox.clear_cancel()
            raise
        status = "asked"
    lines = {"asked": "the process that runs it will end it", "cancelled": "cancelled"}
    ended = f"not cancelled: the run has ended with status {status}"
    output.print_result(args, {"status": status}, lines.get(status, ended))
    return 0 if status in ("asked", "cancelled") else 1
