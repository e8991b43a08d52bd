"""Draw a grammar as SVG: its types, their fields, and the types that each field may have.

Example:
  crucible spec graph png.yaml --out png.svg
"""

from __future__ import annotations

import argparse
from pathlib import Path

from harness.cli import output
from harness.cli.spec import inputs


def add_arguments(parser: argparse.ArgumentParser) -> None:
    inputs.add_grammar(parser)
    parser.add_argument("--out", type=Path, metavar="FILE", help="the picture (default: stdout)")


def run(args: argparse.Namespace) -> int:
    from harness.grammar.host.grammar_svg import draw

    output.print_or_write(draw(inputs.load_grammar(args.grammar), args.grammar.stem), args)
    return 0
