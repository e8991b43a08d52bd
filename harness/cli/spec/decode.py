"""Show a field's value with its decoder.

Example:
  crucible spec decode log.yaml app.log --record 3 --field payload
"""

from __future__ import annotations

import argparse
from dataclasses import asdict

from harness.cli import output
from harness.cli.spec import inputs
from harness.core.clip import clip
from harness.core.errors import UsageError
from harness.core.number import whole
from harness.grammar.tool_host import DecodeFieldInput, ToolHost


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    inputs.add_files(parser)
    add("--record", type=whole(), default=0, metavar="N", help="0-based number of the top-level record (default 0)")
    add("--field", metavar="NAME", help="a field, or a path such as items[2].date (default: from the registry)")


def run(args: argparse.Namespace) -> int:
    given = inputs.read_inputs(args)
    result = inputs.parse_file(args, found=given)
    if not 0 <= args.record < result.record_count:
        where = given.files[0]
        raise UsageError(f"record {args.record} does not exist: the file has {result.record_count}", where=where)
    grammar = result.parse.grammar if result.parse else None
    found = ToolHost.decode_field(DecodeFieldInput(result.records[args.record], grammar, args.field))
    line = clip(found.value or "") if found.success else f"not decoded: {found.error}"
    output.print_result(args, asdict(found), line)
    return int(not found.success)
