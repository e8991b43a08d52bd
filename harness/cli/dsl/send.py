"""Send an event to the service loops of a run: its process takes it at once, or the next `resume` does.

Example:
  crucible dsl send reports/dsl/collect-1 event.json
  echo '{"event": "measured", "value": 3.5}' | crucible dsl send reports/dsl/collect-1 -
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from harness.cli import output
from harness.cli.dsl import run_folders
from harness.core.errors import UsageError
from harness.core.named_path import read_file
from harness.dsl.machine.inbox import Inbox


def add_arguments(parser: argparse.ArgumentParser) -> None:
    run_folders.add_run(parser, verb="send to")
    parser.add_argument("event", metavar="FILE", help="a JSON object with `event`, its name; `-` reads stdin")
    output.add_json(parser)


def run(args: argparse.Namespace) -> int:
    try:
        data = sys.stdin.buffer.read() if args.event == "-" else read_file(Path(args.event))
    except OSError as error:
        fix = "name a JSON file, or - for stdin"
        raise UsageError(f"the event cannot be read: {error.strerror}", where=args.event, fix=fix) from error
    place = run_folders.find_place(args)
    with run_folders.open_log(args.run_folder) as file:
        number = file.open_run(args.run).number
        status = next(row.status for row in file.runs() if row.number == number)
    if status not in ("running", "suspended", "budget", "in_doubt"):
        raise UsageError(f"the run has ended ({status})", where=args.run_folder, fix="send to a run that has not ended")
    message = Inbox(place).send(data)
    line = f"sent {message}; `crucible dsl resume {args.run_folder}` continues the run, if no process runs it"
    return output.print_result(args, {"message": message}, line)
