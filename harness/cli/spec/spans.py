"""List the bytes of each field.

Example:
  crucible spec spans png.yaml picture.png --start 0 --end 64
"""

from __future__ import annotations

import argparse
from dataclasses import asdict

from harness.cli import output
from harness.cli.spec import inputs
from harness.core.number import offset
from harness.grammar.host.tree_view import show
from harness.grammar.tool_host import GenerateSpansInput, ToolHost
from harness.report.table import Column


def add_arguments(parser: argparse.ArgumentParser) -> None:
    inputs.add_files(parser)
    parser.add_argument("--start", type=offset, default=0, metavar="N", help="offset of the first byte (default 0)")
    parser.add_argument("--end", type=offset, metavar="N", help="end offset, exclusive (default: the end of the file)")


def run(args: argparse.Namespace) -> int:
    given = inputs.read_inputs(args)
    result = inputs.parse_file(args, found=given, limits=inputs.preview_limits(given.files[0], args.end))
    parse = inputs.parse_of(result)
    end = args.end if args.end is not None else parse.size
    found = ToolHost.generate_spans(GenerateSpansInput(result, args.start, end))
    if args.json:
        output.print_json({"start": found.start, "end": found.end, "spans": [asdict(span) for span in found.spans]})
        return 0
    values = {(span.start, span.end, span.path): show(parse.grammar, span.leaf) for span in parse.leaves()}
    columns = (
        Column("offset", right=True), Column("bytes", right=True), Column("is"), Column("path", flexible=True),
        Column("value", flexible=True, prose=True),
    )  # fmt: skip
    rows = [
        [
            f"0x{span.offset:x}",
            str(span.length),
            span.group,
            span.path,
            values.get((span.offset, span.end, span.path), ""),
        ]
        for span in found.spans
    ]
    output.print_table(columns, rows)
    inputs.print_notes(result)
    return 0
