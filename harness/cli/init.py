"""Write a small working project: a tool's specification, two candidates, a suite. Nothing is overwritten.

Example:
  crucible init my-tools && cd my-tools && pytest suites/
"""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

from harness.cli import output
from harness.cli.example import FILES, PYPROJECT
from harness.core.errors import CrucibleError, UsageError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "folder", nargs="?", type=Path, default=Path(), help="the folder to create (default: the current one)"
    )
    output.add_json(parser)


def run(args: argparse.Namespace) -> int:
    if args.folder.exists() and not args.folder.is_dir():
        raise UsageError("it is not a folder", where=str(args.folder), fix="name a folder or a new path")
    taken = [name for name in FILES if (args.folder / name).exists()]
    if taken:
        raise CrucibleError(
            f"{', '.join(taken)} would be overwritten", where=str(args.folder), fix="choose an empty folder"
        )
    project = args.folder / "pyproject.toml"
    files = FILES if project.exists() else FILES | {"pyproject.toml": PYPROJECT}
    for name, text in files.items():
        path = args.folder / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise CrucibleError(f"{name} cannot be written: {error}", where=str(args.folder)) from error
    if args.json:
        output.print_json({"folder": str(args.folder), "written": sorted(files)})
        return 0
    for name in sorted(files):
        print(f"wrote {args.folder / name}")
    if project.name not in files:
        print(f"\nadd this to {project}:\n\n{PYPROJECT}")
    change_folder = "" if args.folder == Path() else f"cd {shlex.quote(str(args.folder))} && "
    print(f"\nnow run: {change_folder}pytest suites/")
    return 0
