"""Read files: their records and fields as a tree, with labels, dates, offsets and errors.

A path shows a part: `--path chunks[3].body`, `--path Record[-1]`. Of a file above 16 MiB, only what begins in the first
256 KiB is read, unless --all is given.

Example:
  crucible spec parse picture.png --depth 2
"""

from __future__ import annotations

import argparse
import sys

from harness.cli import output
from harness.cli.printable_stream import raw
from harness.cli.spec import inputs
from harness.core.errors import UsageError
from harness.core.number import whole
from harness.grammar.engine.parse_result import Parse
from harness.grammar.host import tree_view
from harness.grammar.host.record import json_of, tree
from harness.grammar.host.tree_view import MAX_DEPTH, MAX_ITEMS, Row
from harness.grammar.tool_host import ParseResult
from harness.report import words
from harness.report.table import ansi

MAX_JSON_ITEMS = 100  # of each array with --json
PREVIEW = 1 << 18  # bytes of a file above MAX_READ that are read without --all
_COLOURS = {"record": "bold", "array": "bold", "string": "good", "bytes": "dim", "none": "bad", "more": "dim"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    inputs.add_files(parser, several=True)
    parser.add_argument("--path", default="", metavar="PATH", help="show only this part, such as sections[3].name")
    parser.add_argument("--depth", type=whole(), default=MAX_DEPTH, metavar="N", help="levels to show (default all)")
    parser.add_argument(
        "--items",
        type=whole(1),
        metavar="N",
        help=f"items of each array (default {MAX_ITEMS}, with --json {MAX_JSON_ITEMS})",
    )
    parser.add_argument("--all", action="store_true", help="read files above 16 MiB to their end, and show all items")


def run(args: argparse.Namespace) -> int:
    found, failed, made = inputs.read_inputs(args, several=True), False, []
    items = 1 << 62 if args.all else args.items or (MAX_JSON_ITEMS if args.json else MAX_ITEMS)
    for name in found.files:
        limits = inputs.preview_limits(name, PREVIEW, is_whole=args.all)
        result = inputs.parse_file(args, found=found, name=name, limits=limits)
        failed |= bool(result.errors)
        if args.json:
            made.append(_json(result, name, args, items))
            continue
        if len(found.files) > 1:
            print(f"== {name}")
        _print_tree(inputs.parse_of(result), args, name, items)
        inputs.print_errors(result)
        counted = ((result.record_count, "record"), (result.total_bytes_parsed, "byte"), (len(result.errors), "error"))
        print(", ".join(words.count(number, noun) for number, noun in counted))
    if args.json:
        output.print_json(made if len(made) > 1 else made[0])
    return int(failed)


def _print_tree(found: Parse, args: argparse.Namespace, name: str, items: int) -> None:
    width, colour = output.measure_width(), output.has_colour()
    try:
        for row in tree_view.rows(found, path=args.path, depth=args.depth, items=items):
            print(_format(row, width, colour=colour), file=raw(sys.stdout))
    except tree_view.PathError as error:
        raise UsageError(str(error), where=name, fix=error.fix) from None


def _format(row: Row, width: int, *, colour: bool) -> str:
    indent = "  " * row.depth
    joint = " " if row.kind in ("record", "array", "more") else " = "
    place = f"  [{row.start:#x}+{row.size}]" if row.start is not None and row.size else ""
    mark = " ✗" if row.valid is False else ""
    head = words.printable(f"{indent}{row.name}{joint}")
    room = max(16, width - words.width(head) - len(place) - len(mark))
    value = words.fit(row.value, room)
    if colour:
        value = ansi(value, "bad" if row.valid is False else _COLOURS.get(row.kind, ""))
        place, mark = ansi(place, "dim"), ansi(mark, "bad")
    return f"{head}{value}{place}{mark}"


def _json(result: ParseResult, name: str, args: argparse.Namespace, items: int) -> dict[str, object]:
    found = inputs.parse_of(result)
    made: dict[str, object] = {"file": name}
    if args.path:
        try:
            made["value"] = json_of(found.grammar, tree_view.resolve(found, args.path)[1], items=items)
        except tree_view.PathError as error:
            raise UsageError(str(error), where=name, fix=error.fix) from None
    else:
        made["records"] = tree(found, items=items)
    errors = {"errors": list(result.errors), "stopped_at": result.parse_stopped_at, "size": found.size}
    return made | errors | ({"limited": True} if result.truncated else {})
