"""`crucible dsl`: check, run, answer, replay and fork programs; one module per sub-verb."""

from __future__ import annotations

import argparse
import importlib
from typing import cast

from harness.cli import Verb, unknown

NAME = "dsl"
HELP = """Check, run, resume, replay and improve programs.

example:
  crucible dsl check program.spak
  crucible dsl run program.spak --live --input name=World
  crucible dsl resume reports/dsl/program-1"""

VERBS = (
    "check",
    "run",
    "answer",
    "resume",
    "resolve",
    "trace",
    "replay",
    "verify",
    "fork",
    "upgrade",
    "sweep",
    "improve",
    "lift",
    "runs",
    "graph",
)
"""All sub-verbs, in the order of `--help`; each is a module of this package."""
_MODULES = {
    "run": "run_program"
}  # a module named `run` would replace this package's function as soon as it is imported


def below(name: str) -> Verb:
    """The sub-verb of a name.

    Raises:
        UsageError: if there is none.
    """
    if name not in VERBS:
        raise unknown("crucible dsl", name, VERBS)
    return _load(name)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add one sub-parser per sub-verb."""
    choices = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    for name in VERBS:
        verb = _load(name)
        sentence, _, example = verb.HELP.partition("\n\n")
        verb.add_arguments(
            choices.add_parser(
                name,
                help=sentence,
                description=sentence,
                epilog=example,
                formatter_class=argparse.RawDescriptionHelpFormatter,
                allow_abbrev=False,
            )
        )


def run(args: argparse.Namespace) -> int:
    """Run a sub-verb and return its exit status."""
    return _load(args.verb).run(args)


def _load(name: str) -> Verb:
    return cast("Verb", importlib.import_module(_module(name)))


def _module(name: str) -> str:
    return f"{__name__}.{_MODULES.get(name, name)}"
