"""Kaitai: grammars from Kaitai Struct files, and back."""

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
        "--search", type=Path, action="append", default=[], metavar="DIR", help="where imports are looked up"
    )


def _import(args: argparse.Namespace) -> int:
    if not args.file.is_file():
        raise UsageError("there is no such file", where=str(args.file), fix="name a .ksy file")
    found = import_ksy(args.file, search=tuple(args.search))
    for finding in found.findings:
        print(finding, file=sys.stderr)
    if found.document is None or found.grammar is None:
        print("nothing was written", file=sys.stderr)
        return 1
    _write(yaml_writer.document(found.document), args)
    return 0


IMPORT = (
    "Turn a Kaitai Struct file into a grammar; what cannot be carried over is named with its line.",
    "crucible spec import-ksy png.ksy --out png.yaml",
    _import_arguments,
    _import,
)


def _export_arguments(parser: argparse.ArgumentParser) -> None:
    inputs.add_grammar(parser)
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the Kaitai Struct file here (default: stdout)")


def _export(args: argparse.Namespace) -> int:
    found = export_ksy(inputs.grammar_of(args.grammar))
    for lost in found.lost:
        print(lost, file=sys.stderr)
    # Kaitai Struct's own compiler wants numbers as keys of enums, unquoted.
    _write(yaml.safe_dump(found.document, sort_keys=False, allow_unicode=True, width=120), args)
    return int(not found.complete)


def _write(text: str, args: argparse.Namespace) -> None:
    if args.out is None:
        print(text, end="")
    else:
        output.write_file(args.out, text)


EXPORT = (
    "Turn a grammar into a Kaitai Struct file; what cannot be carried over is named.",
    "crucible spec export-ksy png.yaml --out png.ksy",
    _export_arguments,
    _export,
)
