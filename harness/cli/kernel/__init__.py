"""`crucible kernel`: check, compile, tune and time GPU kernels without pytest; one module for each sub-verb."""

from __future__ import annotations

import argparse
import importlib
from typing import cast

from harness.cli import Verb

NAME = "kernel"
HELP = """Check, compile, tune and time GPU kernels, mostly without a GPU.

example:
  crucible kernel check kernels/matmul/tiled.py
  crucible kernel compile kernels/matmul/*.py --architecture sm_90a
  crucible kernel sweep kernels/matmul/autotuned.py --most 40"""

VERBS = ("check", "compile", "sweep", "bench", "roofline", "report", "adapt")
"""All sub-verbs, in the order of `--help`; each is a module of this package."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add a parser for each sub-verb."""
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
    """Run the chosen sub-verb and return its exit status."""
    return _load(args.verb).run(args)


def _load(name: str) -> Verb:
    return cast("Verb", importlib.import_module(f"{__name__}.{name}"))
