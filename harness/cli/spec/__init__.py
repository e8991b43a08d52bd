"""`crucible spec`: look at files through grammars, patch grammars, and compare what they explain."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass

from harness.cli.spec import changing, improving, kaitai, looking

NAME = "spec"
HELP = """Look at binary files through a grammar, patch grammars, score what they explain.

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
    "lint": Action(*looking.LINT),
    "parse": Action(*looking.PARSE),
    "spans": Action(*looking.SPANS),
    "coverage": Action(*looking.COVERAGE),
    "decode": Action(*looking.DECODE),
    "query": Action(*looking.QUERY),
    "hex": Action(*looking.HEX),
    "patch": Action(*changing.PATCH),
    "diff": Action(*changing.DIFF),
    "score": Action(*improving.SCORE),
    "improve": Action(*improving.IMPROVE),
    "versions": Action(*improving.VERSIONS),
    "import-ksy": Action(*kaitai.IMPORT),
    "export-ksy": Action(*kaitai.EXPORT),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
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
    """Do it; the exit status."""
    return ACTIONS[args.action].run(args)
