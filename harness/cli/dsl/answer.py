"""Answer an open question of a run; `resume` continues the run.

Example:
  crucible dsl answer reports/dsl/hello-1 0b24cbc7f1df2278 'Hello, World.'
  crucible dsl answer reports/dsl/hello-1 0b24cbc7f1df2278 --file reply.txt
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from harness.cli import output
from harness.cli.dsl import display, run_folders
from harness.core.errors import UsageError
from harness.core.named_path import read_file
from harness.dsl.machine.session import Session


def add_arguments(parser: argparse.ArgumentParser) -> None:
    run_folders.add_run(parser, verb="answer")
    parser.add_argument("question", metavar="QUESTION", help="the question's id")
    parser.add_argument("text", nargs="?", metavar="TEXT", help="the answer; `-` reads stdin")
    parser.add_argument("--file", type=Path, metavar="FILE", help="a file that holds only the answer")
    parser.add_argument("--source", default="", metavar="WHO", help="the author of the answer, for the log")
    output.add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Bind the answer to its question; exit status 0 also for the same answer again."""
    text = _read_answer(args)
    with Session.resume(run_folders.find_folder(args.run_folder), run=args.run) as session:
        result = session.answer(args.question, text, source=args.source)
        outcome = session.outcome
        display.write_exports(session, outcome)
    shown = {"question": args.question, "answer": result, "waits_for": [q.id for q in outcome.questions]}
    done = "answered" if result == "answered" else "already has this answer"
    return output.print_result(args, shown, f"question {args.question}: {done}")


def _read_answer(args: argparse.Namespace) -> str:
    if (args.text is None) == (args.file is None):
        raise UsageError("give the answer as TEXT or with --file", fix="crucible dsl answer RUN QUESTION TEXT")
    try:
        if args.file is not None:
            return read_file(args.file).decode().removesuffix("\n")
        return sys.stdin.read().removesuffix("\n") if args.text == "-" else str(args.text)
    except OSError as error:
        raise UsageError(f"the answer cannot be read: {error.strerror}", where=str(args.file or "stdin")) from error
    except UnicodeDecodeError as error:
        what = f"byte {error.start} of the answer is not UTF-8"
        raise UsageError(what, where=str(args.file or "stdin"), fix="save it as UTF-8") from None
