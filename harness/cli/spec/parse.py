"""Read a file: its records, fields and errors, or everything as a JSON tree.

Example:
  crucible spec parse png.yaml picture.png --json
"""

from __future__ import annotations

import argparse

from harness.cli import output
from harness.cli.spec import inputs
from harness.grammar.host.record import ParsedField, tree
from harness.report import words

MAX_SHOWN = 40
MAX_VALUE_WIDTH = 72


def add_arguments(parser: argparse.ArgumentParser) -> None:
    inputs.add_file_arguments(parser)


def run(args: argparse.Namespace) -> int:
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


def _shorten(value: object) -> str:
    text = value.hex(" ") if isinstance(value, bytes) else repr(value)
    return text if len(text) <= MAX_VALUE_WIDTH else f"{text[: MAX_VALUE_WIDTH - 1]}…"
