"""Apply patches to a grammar, each one atomically; comments and order are kept.

Example:
  crucible spec patch png.yaml header.patch.yaml --out better.yaml
"""

from __future__ import annotations

import argparse
from pathlib import Path

from harness.cli import output
from harness.cli.spec import inputs
from harness.core.document import read_document
from harness.core.errors import SpecError, UsageError
from harness.grammar.patch import Patch, PatchError, read_patch
from harness.grammar.version import SpecStore
from harness.report import words


def add_arguments(parser: argparse.ArgumentParser) -> None:
    inputs.add_grammar(parser)
    parser.add_argument(
        "patch", type=Path, nargs="+", metavar="PATCH", help="patch files (YAML, JSON, JSON Patch), in order"
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the patched grammar here (default: stdout)")
    parser.add_argument("--no-lint", action="store_true", help="accept a result with lint errors")
    output.add_json(parser)


def run(args: argparse.Namespace) -> int:
    store = SpecStore()
    version = store.create_initial(inputs.read_text(args.grammar))
    for path in args.patch:
        result = store.apply_patch(version.id, _load_patch(path), run_lint=not args.no_lint)
        made = store.get(result.new_spec_id)
        if made is None:
            if args.json:
                output.print_json({"success": False, "patch": str(path), "errors": list(result.errors)})
                return 1
            fix = f"correct the patch; {args.grammar} was not changed"
            raise SpecError("; ".join(result.errors), where=str(path), fix=fix)
        version = made
    if args.out is not None:
        output.write_file(args.out, version.spec_text)
    if args.json:
        lineage = store.get_lineage(version.id)
        output.print_json({"success": True, "id": version.id, "lineage": lineage, "grammar": version.spec_text})
    elif args.out is None:
        output.print_document(version.spec_text)
    else:
        print(f"{args.out}: version {version.id}, {words.count(len(args.patch), 'patch', 'patches')} applied")
    return 0


def _load_patch(path: Path) -> Patch:
    """Read a patch file."""
    if not path.is_file():
        raise UsageError("file not found", where=str(path), fix="name a patch file")
    try:
        return read_patch(read_document(path).value)
    except PatchError as error:
        raise SpecError(str(error), where=str(path), fix="see the format with: crucible schema patch") from error
