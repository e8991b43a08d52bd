"""Draw a program as SVG: its units, their steps, what they ask, emit and run, and their facts and rules.

Example:
  crucible dsl graph program.spak --out program.svg
"""

from __future__ import annotations

import argparse
from pathlib import Path

from harness.cli import output
from harness.cli.dsl import programs


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help="a program")
    parser.add_argument("--out", type=Path, metavar="FILE", help="the picture (default: stdout)")
    parser.add_argument("--input", action="append", default=[], metavar="NAME", help="a name that the caller supplies")


def run(args: argparse.Namespace) -> int:
    from harness.dsl.program_svg import draw

    program = programs.load(args.file, inputs=tuple(name.partition("=")[0] for name in args.input))
    output.print_or_write(draw(program), args)
    return 0
