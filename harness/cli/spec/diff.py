"""List the differences between two grammars, or print a patch.

Example:
  crucible spec diff png.yaml better.yaml --as-patch > better.patch.yaml
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from harness.cli import output
from harness.cli.spec import inputs
from harness.core.document import read_document
from harness.core.errors import SpecError
from harness.grammar.change_list import changes
from harness.grammar.editing import yaml_writer
from harness.grammar.patch import PatchError
from harness.grammar.patch_inference import patch_between
from harness.report import words


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("old", type=Path, metavar="OLD", help="a grammar file")
    parser.add_argument("new", type=Path, metavar="NEW", help="another grammar file")
    parser.add_argument("--as-patch", action="store_true", help="print a patch that turns OLD into NEW")
    output.add_json(parser)


def run(args: argparse.Namespace) -> int:
    for path in (args.old, args.new):
        inputs.read_text(path)
    old, new = (read_document(path).value for path in (args.old, args.new))
    if args.as_patch:
        try:
            patch = patch_between(old, new, description=f"from {args.old.name} to {args.new.name}")
        except PatchError as error:
            fix = "`crucible spec lint` shows all errors of a grammar"
            raise SpecError(str(error), where=f"{args.old} and {args.new}", fix=fix) from error
        wire = patch.to_wire() if patch is not None else {"description": "no difference", "ops": []}
        print(
            json.dumps(wire, indent=2) if args.json else yaml_writer.document(wire), end="" if not args.json else "\n"
        )
        return 0
    found = changes(old, new)
    if args.json:
        output.print_json([change.to_wire() for change in found])
    else:
        for change in found:
            print(change)
        print(words.count(len(found), "change"))
    return 0
