"""Continue a run that waits, was stopped or was killed; with its stored settings, unless new ones are given.

Example:
  crucible dsl resume reports/dsl/hello-1
  crucible dsl resume suspended.zip --state here
  crucible dsl resume reports/dsl/tune-1 --budget steps=5000 --retry-failed
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from harness.cli import output
from harness.cli.dsl import display, options, run_folders
from harness.core.errors import UsageError
from harness.dsl.eventlog.logfile import LogFile
from harness.dsl.machine.run_files import LOG
from harness.dsl.machine.session import Session


def add_arguments(parser: argparse.ArgumentParser) -> None:
    run_folders.add_run(parser, verb="continue (or a bundle)")
    parser.add_argument("--state", type=Path, metavar="DIR", help="for a bundle: the folder of the run")
    parser.add_argument("--retry-failed", action="store_true", help="measure failed points of searches again")
    parser.add_argument("--quiet", action="store_true", help="do not print events")
    options.add_stop(parser)
    options.add_settings(parser)
    output.add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Exit status 1 if the run fails."""
    from harness.providers.file import read_plain

    folder = _find_folder(args)
    with LogFile(folder / LOG, read_only=True) as file:
        before = file.settings(file.open_run(args.run))
    plain = None if args.answers is None or args.backend else read_plain(Path(args.answers))
    named, args.answers = args.answers, None if plain is not None else args.answers
    change = options.parse_settings(args, before=before)
    session = Session.resume(
        folder,
        run=args.run,
        change=change,
        retry_failed=args.retry_failed,
        listener=None if args.quiet or args.json else display.print_event,
    )
    with session:
        ended = session.machine.state.ended
        which = str(ended.get("which", ""))
        if session.machine.state.status == "budget" and which in options.parse_budgets(args.budget):
            session.grant(which, options.parse_budgets(args.budget)[which])
        if plain is not None:
            _answer_open(session, plain, named)
        outcome = session.run(steps=args.stop_after)
        display.write_exports(session, outcome)
        return display.print_summary(session, outcome, as_json=args.json)


def _answer_open(session: Session, text: str, path: str) -> None:
    """Answer the one open question with a file that names none."""
    questions = session.outcome.questions
    if len(questions) != 1:
        known = ", ".join(question.id for question in questions) or "none"
        what = f"a file without a first line `question: ID` answers one open question, and {len(questions)} are open"
        raise UsageError(what, where=path, fix=f"name one of: {known}")
    session.answer(questions[0].id, text, source=Path(path).name)
    print(f"{path} answers question {questions[0].id} ({questions[0].label})", file=sys.stderr)


def _find_folder(args: argparse.Namespace) -> Path:
    path = Path(args.run_folder)
    if path.suffix == ".zip" and path.is_file():
        from harness.dsl.machine.bundle import unpack_run

        folder = run_folders.choose_folder(path, args.state)
        left = unpack_run(path, folder)
        if left:
            names = ", ".join(f"--{name.replace('_', '-').replace('grants', 'grant')}" for name in left)
            print(
                f"crucible: the bundle does not set these options; pass them again if needed: {names}", file=sys.stderr
            )
        return folder
    return run_folders.find_folder(args.run_folder)
