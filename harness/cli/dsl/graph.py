"""Draw a program as SVG: its units, their steps, what they ask, emit and run, and their facts and rules.

Example:
  crucible dsl graph program.spak --out program.svg
"""

from __future__ import annotations

import argparse
from pathlib import Path

from harness.cli import output
from harness.core.errors import UsageError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help="a program")
    parser.add_argument("--out", type=Path, metavar="FILE", help="the picture (default: stdout)")
    parser.add_argument("--input", action="append", default=[], metavar="NAME", help="a name that the caller supplies")


def run(args: argparse.Namespace) -> int:
    from harness.dsl.analysis.load import load_program
    from harness.dsl.language.diagnostic import ProgramError
    from harness.dsl.program_svg import draw

    try:
        program = load_program(args.file, inputs=tuple(name.partition("=")[0] for name in args.input))
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror}", where=str(args.file), fix="name a program") from error
    except ProgramError as error:
        raise UsageError(f"cannot be drawn:\n{error}", where=str(args.file), fix="correct it first") from error
    picture = draw(program)
    if args.out is None:
        print(picture)
    else:
        output.write_file(args.out, picture)
        print(args.out)
    return 0
