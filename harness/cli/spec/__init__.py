"""`crucible spec`: inspect files with grammars, patch grammars, and score them."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass

from harness.cli.spec import improve, inspect, kaitai, patching

NAME = "spec"
HELP = """Inspect binary files with a grammar, patch grammars, and score how much they explain.

example:
  crucible spec lint png.yaml
  crucible spec parse png.yaml picture.png
  crucible spec score png.yaml *.png --holdout unseen.png
  crucible spec improve stub.yaml *.png --out better.yaml"""


@dataclass(frozen=True, slots=True)
class Action:
    """A verb below `crucible spec`."""

    help: str
    example: str
    arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


ACTIONS = {
    "lint": Action(*inspect.LINT),
    "parse": Action(*inspect.PARSE),
    "spans": Action(*inspect.SPANS),
    "coverage": Action(*inspect.COVERAGE),
    "decode": Action(*inspect.DECODE),
    "query": Action(*inspect.QUERY),
    "hex": Action(*inspect.HEX),
    "patch": Action(*patching.PATCH),
    "diff": Action(*patching.DIFF),
    "score": Action(*improve.SCORE),
    "improve": Action(*improve.IMPROVE),
    "versions": Action(*improve.VERSIONS),
    "import-ksy": Action(*kaitai.IMPORT),
    "export-ksy": Action(*kaitai.EXPORT),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add a subparser for each action."""
    below = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, action in ACTIONS.items():
        added = below.add_parser(
            name,
            help=action.help,
            description=action.help,
            epilog=f"example:\n  {action.example}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        action.arguments(added)


def run(args: argparse.Namespace) -> int:
    """Run the action; return its exit status."""
    return ACTIONS[args.action].run(args)
