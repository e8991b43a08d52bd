"""Print the events of a run, or the run as trace.json or a timeline; `--json` is one object, `--jsonl` a line an event.

Example:
  crucible dsl trace reports/dsl/hello-1
  crucible dsl trace reports/dsl/hello-1 --as trace > trace.json
  crucible dsl trace reports/dsl/hello-1 --from 100 --limit 50
"""

from __future__ import annotations

import argparse
import json
from typing import Any

from harness.cli import output
from harness.cli.dsl import display, run_folders
from harness.core.number import whole
from harness.dsl.eventlog.runlog import StoredEvent
from harness.dsl.machine import export
from harness.dsl.machine.stored_run import stored_program


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    run_folders.add_run(parser, verb="show")
    add("--as", dest="shape", choices=("events", "trace", "timeline"), default="events", help="the format")
    add("--from", dest="start", type=whole(), default=0, metavar="SEQ", help="the first event (default 0)")
    add("--limit", type=whole(1), default=1000, metavar="N", help="maximum number of events (default 1000)")
    add("--jsonl", action="store_true", help="print each event as one line of JSON")
    output.add_json(parser)


def run(args: argparse.Namespace) -> int:
    with run_folders.open_log(args.run_folder) as file:
        log = file.open_run(args.run)
        if args.shape != "events":
            program = stored_program(file, log)
            output.print_json(getattr(export, args.shape)(program, log))
            return 0
        events = log.events(start=args.start, stop=args.start + args.limit)
        if args.json and not args.jsonl:
            found = [_to_json(event) for event in events]
            head = next(row.head for row in file.runs() if row.number == log.number)
            output.print_json({"run": log.name, "head": head, "events": found})
        for event in events:
            if args.jsonl:
                print(json.dumps(_to_json(event)))
            else:
                print(f"{event.seq:>6}  {display.format_event(event.value)}")
    return 0


def _to_json(event: StoredEvent) -> dict[str, Any]:
    return {"seq": event.seq, "hash": event.hash.hex(), "wall": event.wall, "event": event.value}
