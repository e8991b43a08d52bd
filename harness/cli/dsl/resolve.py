"""Resolve an effect that may happen only once and had begun when the process died.

Example:
  crucible dsl resolve reports/dsl/deploy-1 9c38a38dd8530237 repeat
  crucible dsl resolve reports/dsl/deploy-1 9c38a38dd8530237 done --value '"deployed"'
"""

from __future__ import annotations

import argparse
import json

from harness.cli import output
from harness.cli.dsl import display, run_folders
from harness.core.errors import UsageError
from harness.dsl.machine.session import Session


def add_arguments(parser: argparse.ArgumentParser) -> None:
    run_folders.add_run(parser, verb="resolve")
    parser.add_argument("key", metavar="KEY", help="the effect's key")
    parser.add_argument("how", choices=("repeat", "done", "failed"), help="repeat the effect; it happened; it failed")
    parser.add_argument("--value", default='""', metavar="JSON", help='for `done`: its result (default "")')
    output.add_json(parser)


def run(args: argparse.Namespace) -> int:
    try:
        value = json.loads(args.value)
    except (ValueError, RecursionError):
        raise UsageError(f"--value {args.value!r} is not JSON", fix="a string needs quotes: '\"text\"'") from None
    with Session.resume(run_folders.find_folder(args.run_folder), run=args.run) as session:
        session.resolve(args.key, args.how, value)
        outcome = session.outcome
        display.write_exports(session, outcome)
    line = f"effect {args.key}: {args.how}; `crucible dsl resume {session.folder}` continues"
    return output.print_result(args, {"key": args.key, "how": args.how, "in_doubt": list(outcome.in_doubt)}, line)
