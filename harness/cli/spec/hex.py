"""Dump a file in hex, coloured by field, with gaps and anomalies marked.

Example:
  crucible spec hex png.yaml picture.png --limit 256
"""

from __future__ import annotations

import argparse
from dataclasses import asdict

from harness.cli import output
from harness.cli.spec import inputs
from harness.grammar.hex_view import hex_view, render


def add_arguments(parser: argparse.ArgumentParser) -> None:
    inputs.add_file_arguments(parser)


def run(args: argparse.Namespace) -> int:
    result = inputs.parse_file(args)
    limit = 4096 if args.limit is None else args.limit
    view = hex_view(result, start=args.offset, length=limit)
    if args.json:
        output.print_json(asdict(view))
        return 0
    for line in render(view, colour=output.has_colour()):
        print(line)
    return 0
