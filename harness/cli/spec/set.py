"""Write a file with changed values; lengths, counts, positions and checksums follow where the grammar states them.

A value is read as the field's type: a number (12, 0x0c), the label of an enum, text, for bytes also hex:00ff, and
@FILE for the bytes of a file. Everything else stays as it was. The result is parsed before it is written.

Example:
  crucible spec set picture.png 'chunks[1].body.text=A wall' --out described.png
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from harness.cli import output
from harness.cli.spec import inputs
from harness.core.errors import UsageError
from harness.grammar.engine.node import Leaf
from harness.grammar.host.tree_view import PathError, resolve, show
from harness.grammar.writing.builder import build
from harness.grammar.writing.encoding import WriteError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "files",
        nargs="+",
        metavar="[GRAMMAR] FILE PATH=VALUE",
        help="a file, after its grammar (YAML), and the changes",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="write the new file here")
    parser.set_defaults(offset=0, limit=None, max_records=None)
    output.add_json(parser)


def run(args: argparse.Namespace) -> int:
    output.refuse_unwritable(args.out)
    named = 2 if len(args.files) > 1 and Path(args.files[0]).suffix.lower() in (".yaml", ".yml") else 1
    changes = [word.partition("=") for word in args.files[named:]]
    args.files = args.files[:named]
    bad = next((path for path, equals, _ in changes if not equals), None)
    if bad is not None or not changes:
        raise UsageError("a change is missing" if bad is None else f"{bad!r} is not a change", fix="write PATH=VALUE")
    given = inputs.read_inputs(args)
    found = inputs.parse_of(inputs.parse_file(args, found=given))
    name = given.files[0]
    try:
        values = {}
        for path, _, text in changes:
            _, node = resolve(found, path)
            values[path] = _value(node, text) if isinstance(node, Leaf) else text
        made = build(given.grammar, found, values)
    except PathError as error:
        raise UsageError(str(error), where=name, fix=error.fix) from None
    except WriteError as error:
        raise UsageError(str(error), where=name, fix=f"{args.out} was not written") from None
    output.write_file(args.out, made)
    if args.json:
        output.print_json({"out": str(args.out), "bytes": len(made), "changed": list(values)})
        return 0
    for path, value in values.items():
        _, node = resolve(found, path)
        print(f"{path}: {show(found.grammar, node) if isinstance(node, Leaf) else ''} → {value!r}")
    print(f"{args.out}: {len(made)} bytes ({len(made) - found.size:+d})")
    return 0


def _value(leaf: Leaf, text: str) -> Any:
    """Read the text of a value as the type of the leaf."""
    if text.startswith("@"):
        return inputs.read_bytes(Path(text[1:]))
    if text.startswith("hex:"):
        try:
            return bytes.fromhex(text[4:])
        except ValueError:
            raise WriteError(f"{text!r} is not hexadecimal") from None
    if isinstance(leaf.value, bool):
        if text.lower() not in ("true", "false", "0", "1"):
            raise WriteError(f"{text!r} is not true or false")
        return text.lower() in ("true", "1")
    for kind in (int, float):
        if isinstance(leaf.value, kind):
            try:
                return int(text, 0) if kind is int else float(text)
            except ValueError:
                if leaf.field.enum is None:
                    raise WriteError(f"{text!r} is not a number") from None
    return text
