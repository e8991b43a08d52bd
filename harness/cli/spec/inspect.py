"""The six tools of the Tool Host as actions of `crucible spec`, and the hex view."""

from __future__ import annotations

import argparse
import difflib
from dataclasses import asdict, replace

from harness.cli import output
from harness.cli.spec import inputs
from harness.core.clip import clip
from harness.core.errors import UsageError
from harness.core.number import whole
from harness.grammar.hex_view import hex_view, render
from harness.grammar.host.record import ParsedField, Records, tree
from harness.grammar.tool_host import (
    AnalyzeCoverageInput,
    DecodeFieldInput,
    GenerateSpansInput,
    QueryRecordsInput,
    ToolHost,
)
from harness.report import words
from harness.report.table import Column

MAX_SHOWN = 40


def _lint_arguments(parser: argparse.ArgumentParser) -> None:
    inputs.add_grammar(parser)
    output.add_json(parser)


def _lint(args: argparse.Namespace) -> int:
    found = inputs.lint_file(args.grammar)
    if args.json:
        output.print_json(
            {
                "success": found.grammar is not None,
                "errors": [asdict(finding) for finding in found.errors],
                "warnings": [asdict(finding) for finding in found.warnings],
            }
        )
        return int(bool(found.errors))
    for kind, findings in (("error", found.errors), ("warning", found.warnings)):
        for finding in findings:
            hint = f"\n  fix: {finding.hint}" if finding.hint else ""
            print(f"{inputs.position_of(args.grammar, finding)}: {kind}: {finding.message} [{finding.code}]{hint}")
    print(f"{words.count(len(found.errors), 'error')}, {words.count(len(found.warnings), 'warning')}")
    return int(bool(found.errors))


LINT = ("Check a grammar: all errors and warnings at once.", "crucible spec lint png.yaml", _lint_arguments, _lint)


def _file_arguments(parser: argparse.ArgumentParser) -> None:
    inputs.add_grammar(parser)
    inputs.add_file(parser)
    output.add_json(parser)


def _parse(args: argparse.Namespace) -> int:
    result = inputs.parse_file(args)
    found = result.parse
    if args.json and found is not None:
        output.print_json(
            {
                "records": tree(found),
                "errors": list(result.errors),
                "stopped_at": result.parse_stopped_at,
                "size": found.size,
            }
        )
        return int(bool(result.errors))
    for record in result.records[:MAX_SHOWN]:
        print(f"{record.type_name} at 0x{record.offset:x}, {record.size} bytes")
        _print_fields(record.fields.values(), 1)
    if len(result.records) > MAX_SHOWN:
        print(f"... and {len(result.records) - MAX_SHOWN} more records; --json prints all")
    inputs.print_errors(result)
    counted = ((result.record_count, "record"), (result.total_bytes_parsed, "byte"), (len(result.errors), "error"))
    print(", ".join(words.count(number, noun) for number, noun in counted))
    return int(bool(result.errors))


def _print_fields(fields: object, depth: int) -> None:
    for field in fields:  # type: ignore[attr-defined]
        if not isinstance(field, ParsedField):
            continue
        shown = _shorten(field.value)
        mark = " ✗" if field.valid is False else ""
        print(f"{'  ' * depth}{field.name} = {shown}  [0x{field.offset:x}+{field.size}]{mark}")


def _shorten(value: object, *, most: int = 72) -> str:
    text = value.hex(" ") if isinstance(value, bytes) else repr(value)
    return text if len(text) <= most else f"{text[: most - 1]}…"


PARSE = (
    "Read a file: its records, fields and errors, or everything as a JSON tree.",
    "crucible spec parse png.yaml picture.png --json",
    _file_arguments,
    _parse,
)


def _spans_arguments(parser: argparse.ArgumentParser) -> None:
    _file_arguments(parser)
    parser.add_argument("--start", type=whole(), default=0, metavar="N", help="offset of the first byte (default 0)")
    parser.add_argument("--end", type=whole(), metavar="N", help="end offset, exclusive (default: the end of the file)")


def _spans(args: argparse.Namespace) -> int:
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


SPANS = (
    "List the bytes of each field.",
    "crucible spec spans png.yaml picture.png --start 0 --end 64",
    _spans_arguments,
    _spans,
)


def _coverage(args: argparse.Namespace) -> int:
    result = inputs.parse_file(args)
    found = ToolHost.analyze_coverage(AnalyzeCoverageInput(result))
    if args.json:
        output.print_json(asdict(found))
        return 0
    total = found.bytes_covered + found.bytes_uncovered
    print(f"{found.bytes_covered} of {total} bytes covered ({found.coverage_percentage:.1f}%)")
    for start, end in found.gaps[:MAX_SHOWN]:
        print(f"  gap 0x{start:x} .. 0x{end:x}  {end - start} bytes")
    if len(found.gaps) > MAX_SHOWN:
        print(f"  ... and {len(found.gaps) - MAX_SHOWN} more gaps")
    return 0


COVERAGE = (
    "Report how much of a file is in a field, and the gaps.",
    "crucible spec coverage png.yaml picture.png",
    _file_arguments,
    _coverage,
)


def _decode_arguments(parser: argparse.ArgumentParser) -> None:
    _file_arguments(parser)
    parser.add_argument(
        "--record", type=whole(), default=0, metavar="N", help="0-based number of the top-level record (default 0)"
    )
    parser.add_argument("--field", metavar="NAME", help="a field, or a dotted path (default: from the registry)")


def _decode(args: argparse.Namespace) -> int:
    result = inputs.parse_file(args)
    if not 0 <= args.record < result.record_count:
        raise UsageError(
            f"record {args.record} does not exist: the file has {result.record_count}", where=str(args.file)
        )
    grammar = result.parse.grammar if result.parse else None
    found = ToolHost.decode_field(DecodeFieldInput(result.records[args.record], grammar, args.field))
    if args.json:
        output.print_json(asdict(found))
    else:
        print(clip(found.value or "") if found.success else f"not decoded: {found.error}")
    return int(not found.success)


DECODE = (
    "Show a field's value with its decoder.",
    "crucible spec decode log.yaml app.log --record 3 --field payload",
    _decode_arguments,
    _decode,
)


def _query_arguments(parser: argparse.ArgumentParser) -> None:
    _file_arguments(parser)
    parser.add_argument("--type", metavar="NAME", help="records of this type")
    parser.add_argument("--has-field", metavar="NAME", help="records that have this field")
    parser.add_argument(
        "--range", nargs=2, type=whole(), metavar=("START", "END"), help="records that overlap this byte range"
    )
    parser.add_argument("--top", action="store_true", help="only top-level records, not nested ones")


def _query(args: argparse.Namespace) -> int:
    given = [(k, v) for k, v in (("type", args.type), ("has_field", args.has_field)) if v is not None]
    given += [("offset_range", tuple(args.range))] if args.range else []
    if len(given) > 1:
        raise UsageError("only one filter at a time", fix="give --type, --has-field or --range")
    kind, value = given[0] if given else ("all", None)
    result = inputs.parse_file(args)
    if args.type is not None and result.parse is not None and args.type not in (types := result.parse.grammar.types):
        near = difflib.get_close_matches(args.type, types, n=1)
        fix = f"did you mean {near[0]}?" if near else f"types are {', '.join(types)}"
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


QUERY = (
    "List records by type, field or byte range.",
    "crucible spec query png.yaml picture.png --type Chunk",
    _query_arguments,
    _query,
)


def _hex(args: argparse.Namespace) -> int:
    result = inputs.parse_file(args)
    limit = 4096 if args.limit is None else args.limit
    view = hex_view(result, start=args.offset, length=limit)
    if args.json:
        output.print_json(view.to_wire())
        return 0
    for line in render(view, colour=output.colour()):
        print(line)
    return 0


HEX = (
    "Dump a file in hex, coloured by field, with gaps and anomalies marked.",
    "crucible spec hex png.yaml picture.png --limit 256",
    _file_arguments,
    _hex,
)
