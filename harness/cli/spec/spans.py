"""List the bytes of each field.

Example:
  crucible spec spans png.yaml picture.png --start 0 --end 64
"""

from __future__ import annotations

import argparse
from dataclasses import asdict

from harness.cli import output
from harness.cli.spec import inputs
from harness.core.number import whole
from harness.grammar.tool_host import (
    GenerateSpansInput,
    ToolHost,
)
from harness.report.table import Column


def add_arguments(parser: argparse.ArgumentParser) -> None:
    inputs.add_file_arguments(parser)
    parser.add_argument("--start", type=whole(), default=0, metavar="N", help="offset of the first byte (default 0)")
    parser.add_argument("--end", type=whole(), metavar="N", help="end offset, exclusive (default: the end of the file)")


def run(args: argparse.Namespace) -> int:
    result = inputs.parse_file(args)
    end = args.end if args.end is not None else result.parse.size if result.parse else 0
    found = ToolHost.generate_spans(GenerateSpansInput(result, args.start, end))
    if args.json:
        output.print_json({"start": found.start, "end": found.end, "spans": [asdict(span) for span in found.spans]})
        return 0
    columns = (Column("offset", right=True), Column("bytes", right=True), Column("is"), Column("path", flexible=True))
    rows = [[f"0x{span.offset:x}", str(span.length), span.group, span.path] for span in found.spans]
    output.print_table(columns, rows)
    return 0
