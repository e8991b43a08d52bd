"""Dump a file in hex, coloured by field, with gaps and anomalies marked.

Example:
  crucible spec hex picture.png --limit 256
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict

from harness.cli import output
from harness.cli.printable_stream import raw
from harness.cli.spec import inputs
from harness.grammar.hex_view import hex_view, render

DEFAULT_LENGTH = 4096  # bytes


def add_arguments(parser: argparse.ArgumentParser) -> None:
    inputs.add_files(parser)


def run(args: argparse.Namespace) -> int:
    found = inputs.read_inputs(args)
    length = DEFAULT_LENGTH if args.limit is None else args.limit
    # Of a large file, only what is shown is parsed: the first screen of any file is there at once.
    limits = inputs.preview_limits(found.files[0], args.offset + length)
    view = hex_view(inputs.parse_file(args, found=found, limits=limits), start=args.offset, length=length)
    if args.json:
        output.print_json(asdict(view))
        return 0
    for line in render(view, colour=output.has_colour()):
        print(line, file=raw(sys.stdout))
    return 0
