"""List records by type, field, byte range, or a condition.

A condition is an expression of the grammar language. Its names are the fields of each record, and type, offset and size
of the record itself (_type, _offset and _size where it has fields of these names).

Example:
  crucible spec query picture.png --where 'type == "Chunk" and length > 4096'
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace

from harness.cli import output
from harness.cli.spec import inputs
from harness.core.errors import UsageError
from harness.core.nearest import did_you_mean
from harness.core.number import offset
from harness.grammar.engine.node import Leaf, Record
from harness.grammar.engine.parse_result import Parse
from harness.grammar.host.record import Records
from harness.grammar.host.record_query import RecordQuery
from harness.grammar.host.tree_view import show
from harness.grammar.tool_host import QueryRecordsInput, RecordSet, ToolHost
from harness.report import words

MAX_SHOWN = 40
_MAX_VALUES = 6  # fields of a record in its line


def add_arguments(parser: argparse.ArgumentParser) -> None:
    inputs.add_files(parser)
    parser.add_argument("--type", metavar="NAME", help="records of this type")
    parser.add_argument("--has-field", metavar="NAME", help="records that have this field")
    parser.add_argument(
        "--range", nargs=2, type=offset, metavar=("START", "END"), help="records that overlap this byte range"
    )
    parser.add_argument("--where", metavar="EXPR", help="records for which this condition is true")
    parser.add_argument("--top", action="store_true", help="only top-level records, not nested ones")


def run(args: argparse.Namespace) -> int:
    given = [(k, v) for k, v in (("type", args.type), ("has_field", args.has_field)) if v is not None]
    given += [("offset_range", tuple(args.range))] if args.range else []
    if len(given) > 1:
        raise UsageError("more than one filter is given", fix="give --type, --has-field or --range")
    kind, value = given[0] if given else ("all", None)
    source = inputs.read_inputs(args)
    types = source.grammar.types
    if args.type is not None and args.type not in types:
        fix = did_you_mean(args.type, types) or f"types are {', '.join(types)}"
        raise UsageError(f"the grammar has no type {args.type!r}", where=str(source.grammar_path), fix=fix)
    where = RecordQuery(args.where, source.grammar) if args.where is not None else None
    limits = inputs.preview_limits(source.files[0], args.range[1] if args.range else None)
    result = inputs.parse_file(args, found=source, limits=limits)
    parse = inputs.parse_of(result)
    if not args.top:
        result = replace(result, records=Records(tuple(record for _, record in parse.walk())))
    found = ToolHost.query_records(QueryRecordsInput(result, kind, value))
    shown = found.filter_applied
    if where is not None:
        chosen = tuple(record for record in found.records if where.selects(record.node))
        shown = args.where if kind == "all" else f"{shown} and {args.where}"
        found = RecordSet(chosen, shown, len(chosen))
    if args.json:
        records = [{"type": r.type_name, "offset": r.offset, "size": r.size} for r in found.records]
        output.print_json({"filter": shown, "count": found.record_count, "records": records})
        return 0
    width = output.measure_width()
    for record in found.records[:MAX_SHOWN]:
        line = f"0x{record.offset:08x}  {record.size:>8}  {record.type_name}  {', '.join(_values(parse, record.node))}"
        print(words.fit(line.rstrip(), width))
    if found.record_count > MAX_SHOWN:
        print(f"... and {found.record_count - MAX_SHOWN} more; --json lists all")
    print(f"{words.count(found.record_count, 'record')} ({shown})")
    inputs.print_notes(result)
    if where is not None and not found.record_count and where.why:
        print(f"note: the condition has no value for some records: {where.why}")
    return 0


def _values(parse: Parse, record: Record) -> Iterator[str]:
    leaves = ((name, node) for name, node in record.parts() if isinstance(node, Leaf))
    for _, (name, node) in zip(range(_MAX_VALUES), leaves, strict=False):
        yield f"{name} {show(parse.grammar, node)}"
