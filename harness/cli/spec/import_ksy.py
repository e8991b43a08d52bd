"""Convert a Kaitai Struct file to a grammar; constructs that cannot be converted are listed with their lines.

Example:
  crucible spec import-ksy png.ksy --out png.yaml
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from harness.cli import output
from harness.core.errors import UsageError
from harness.grammar.editing import yaml_writer
from harness.kaitai.importer import import_ksy


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="KSY", help="a Kaitai Struct file")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the grammar here (default: stdout)")
    parser.add_argument(
        "--search", type=Path, action="append", default=[], metavar="DIR", help="folder for imports (repeatable)"
    )


def run(args: argparse.Namespace) -> int:
    if not args.file.is_file():
        raise UsageError("file not found", where=str(args.file), fix="name a .ksy file")
    found = import_ksy(args.file, search=tuple(args.search))
    for finding in found.findings:
        print(finding, file=sys.stderr)
    if found.document is None or found.grammar is None:
        print("nothing was written", file=sys.stderr)
        return 1
    output.print_or_write(yaml_writer.document(found.document), args)
    return 0
