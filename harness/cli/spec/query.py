"""List records by type, field or byte range.

Example:
  crucible spec query png.yaml picture.png --type Chunk
"""

from __future__ import annotations

import argparse
from dataclasses import replace

from harness.cli import output
from harness.cli.spec import inputs
from harness.core.errors import UsageError
from harness.core.nearest import did_you_mean
from harness.core.number import whole
from harness.grammar.host.record import Records
from harness.grammar.tool_host import (
    QueryRecordsInput,
    ToolHost,
)
from harness.report import words

MAX_SHOWN = 40


def add_arguments(parser: argparse.ArgumentParser) -> None:
    inputs.add_file_arguments(parser)
    parser.add_argument("--type", metavar="NAME", help="records of this type")
    parser.add_argument("--has-field", metavar="NAME", help="records that have this field")
    parser.add_argument(
        "--range", nargs=2, type=whole(), metavar=("START", "END"), help="records that overlap this byte range"
    )
    parser.add_argument("--top", action="store_true", help="only top-level records, not nested ones")


def run(args: argparse.Namespace) -> int:
    given = [(k, v) for k, v in (("type", args.type), ("has_field", args.has_field)) if v is not None]
    given += [("offset_range", tuple(args.range))] if args.range else []
    if len(given) > 1:
        raise UsageError("more than one filter is given", fix="give --type, --has-field or --range")
    kind, value = given[0] if given else ("all", None)
    result = inputs.parse_file(args)
    if args.type is not None and result.parse is not None and args.type not in (types := result.parse.grammar.types):
        fix = did_you_mean(args.type, types) or f"types are {', '.join(types)}"
        raise UsageError(f"the grammar has no type {args.type!r}", where=str(args.grammar), fix=fix)
    if not args.top and result.parse is not None:
        result = replace(result, records=Records(tuple(record for _, record in result.parse.walk())))
    found = ToolHost.query_records(QueryRecordsInput(result, kind, value))
    if args.json:
        records = [{"type": r.type_name, "offset": r.offset, "size": r.size} for r in found.records]
        output.print_json({"filter": found.filter_applied, "count": found.record_count, "records": records})
        return 0
    for record in found.records[:MAX_SHOWN]:
        print(f"0x{record.offset:08x}  {record.size:>8}  {record.type_name}")
    print(f"{words.count(found.record_count, 'record')} ({found.filter_applied})")
    return 0
