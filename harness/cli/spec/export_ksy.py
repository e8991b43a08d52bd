"""Convert a grammar to a Kaitai Struct file; constructs that cannot be converted are listed.

Example:
  crucible spec export-ksy png.yaml --out png.ksy
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import yaml

from harness.cli import output
from harness.cli.spec import inputs
from harness.kaitai.exporter import export_ksy


def add_arguments(parser: argparse.ArgumentParser) -> None:
    inputs.add_grammar(parser)
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the Kaitai Struct file here (default: stdout)")


def run(args: argparse.Namespace) -> int:
    found = export_ksy(inputs.load_grammar(args.grammar))
    for lost in found.lost:
        print(lost, file=sys.stderr)
    # Kaitai Struct's compiler needs unquoted numbers as keys of enums.
    output.print_or_write(yaml.safe_dump(found.document, sort_keys=False, allow_unicode=True, width=120), args)
    return int(not found.complete)
