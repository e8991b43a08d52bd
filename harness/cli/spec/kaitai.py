"""`spec import-ksy` and `spec export-ksy`: conversion from and to Kaitai Struct files."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import yaml

from harness.cli import output
from harness.cli.spec import inputs
from harness.core.errors import UsageError
from harness.grammar.editing import yaml_writer
from harness.kaitai.exporter import export_ksy
from harness.kaitai.importer import import_ksy


def _import_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="KSY", help="a Kaitai Struct file")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the grammar here (default: stdout)")
    parser.add_argument(
        "--search", type=Path, action="append", default=[], metavar="DIR", help="folder for imports (repeatable)"
    )


def _import(args: argparse.Namespace) -> int:
    if not args.file.is_file():
        raise UsageError("file not found", where=str(args.file), fix="name a .ksy file")
    found = import_ksy(args.file, search=tuple(args.search))
    for finding in found.findings:
        print(finding, file=sys.stderr)
    if found.document is None or found.grammar is None:
        print("nothing was written", file=sys.stderr)
        return 1
    _write(yaml_writer.document(found.document), args)
    return 0


IMPORT = (
    "Convert a Kaitai Struct file to a grammar; constructs that cannot be converted are listed with their lines.",
    "crucible spec import-ksy png.ksy --out png.yaml",
    _import_arguments,
    _import,
)


def _export_arguments(parser: argparse.ArgumentParser) -> None:
    inputs.add_grammar(parser)
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the Kaitai Struct file here (default: stdout)")


def _export(args: argparse.Namespace) -> int:
    found = export_ksy(inputs.load_grammar(args.grammar))
    for lost in found.lost:
        print(lost, file=sys.stderr)
    # Kaitai Struct's compiler needs unquoted numbers as keys of enums.
    _write(yaml.safe_dump(found.document, sort_keys=False, allow_unicode=True, width=120), args)
    return int(not found.complete)


def _write(text: str, args: argparse.Namespace) -> None:
    if args.out is None:
        print(text, end="")
    else:
        output.write_file(args.out, text)


EXPORT = (
    "Convert a grammar to a Kaitai Struct file; constructs that cannot be converted are listed.",
    "crucible spec export-ksy png.yaml --out png.ksy",
    _export_arguments,
    _export,
)
