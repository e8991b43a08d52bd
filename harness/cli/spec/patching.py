"""`spec patch` and `spec diff`: patch a grammar file, and compare two grammars."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from harness.cli import output
from harness.cli.spec import inputs
from harness.core.document import read_document
from harness.core.errors import SpecError, UsageError
from harness.grammar.change_list import changes
from harness.grammar.editing import yaml_writer
from harness.grammar.patch import Patch, PatchError, read_patch
from harness.grammar.patch_inference import patch_between
from harness.grammar.version import SpecStore
from harness.report import words


def _patch_arguments(parser: argparse.ArgumentParser) -> None:
    inputs.add_grammar(parser)
    parser.add_argument(
        "patch", type=Path, nargs="+", metavar="PATCH", help="patch files (YAML, JSON, JSON Patch), in order"
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the patched grammar here (default: stdout)")
    parser.add_argument("--no-lint", action="store_true", help="accept a result with lint errors")
    output.add_json(parser)


def _patch(args: argparse.Namespace) -> int:
    store = SpecStore()
    version = store.create_initial(inputs.read_text(args.grammar))
    for path in args.patch:
        result = store.apply_patch(version.id, load_patch(path), run_lint=not args.no_lint)
        made = store.get(result.new_spec_id)
        if made is None:
            if args.json:
                output.print_json({"success": False, "patch": str(path), "errors": list(result.errors)})
                return 1
            raise SpecError("; ".join(result.errors), where=str(path), fix=f"{args.grammar} was not changed")
        version = made
    if args.out is not None:
        output.write_file(args.out, version.spec_text)
    if args.json:
        lineage = store.get_lineage(version.id)
        output.print_json({"success": True, "id": version.id, "lineage": lineage, "grammar": version.spec_text})
    elif args.out is None:
        print(version.spec_text, end="")
    else:
        print(f"{args.out}: version {version.id}, {words.count(len(args.patch), 'patch', 'patches')} applied")
    return 0


def load_patch(path: Path) -> Patch:
    """Read a patch file.

    Raises:
        UsageError: if the file does not exist.
        SpecError: if it is not a patch.
    """
    if not path.is_file():
        raise UsageError("file not found", where=str(path), fix="name a patch file")
    try:
        return read_patch(read_document(path).value)
    except PatchError as error:
        raise SpecError(str(error), where=str(path), fix="see the format with: crucible schema patch") from error


PATCH = (
    "Apply patches to a grammar, each one atomically; comments and order are kept.",
    "crucible spec patch png.yaml header.patch.yaml --out better.yaml",
    _patch_arguments,
    _patch,
)


def _diff_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("old", type=Path, metavar="OLD", help="a grammar file")
    parser.add_argument("new", type=Path, metavar="NEW", help="another grammar file")
    parser.add_argument("--as-patch", action="store_true", help="print a patch that turns OLD into NEW")
    output.add_json(parser)


def _diff(args: argparse.Namespace) -> int:
    for path in (args.old, args.new):
        inputs.read_text(path)
    old, new = (read_document(path).value for path in (args.old, args.new))
    if args.as_patch:
        try:
            patch = patch_between(old, new, description=f"from {args.old.name} to {args.new.name}")
        except PatchError as error:
            raise SpecError(str(error), where=f"{args.old} and {args.new}") from error
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


DIFF = (
    "List the differences between two grammars, or print a patch.",
    "crucible spec diff png.yaml better.yaml --as-patch > better.patch.yaml",
    _diff_arguments,
    _diff,
)
