"""Write a small working project of one lane: three candidates, a suite, a CI workflow. Nothing is overwritten.

Example:
  crucible init my-tools && cd my-tools && pytest suites/
  crucible init my-kernels --lane kernel
"""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from harness.cli import output
from harness.core.errors import CrucibleError, UsageError

LANES = ("toolgen", "spec", "dsl", "kernel")
OPTIONAL = ("pyproject.toml", ".gitignore")  # kept where they are there already
FOLDER = Path(__file__).with_name("scaffold")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "folder", nargs="?", type=Path, default=Path(), help="the folder to create (default: the current one)"
    )
    parser.add_argument("--lane", choices=LANES, default="toolgen", help="what is judged (default toolgen)")
    output.add_json(parser)


def run(args: argparse.Namespace) -> int:
    if args.folder.exists() and not args.folder.is_dir():
        raise UsageError("it is not a folder", where=str(args.folder), fix="name a folder or a new path")
    files = scaffold(args.lane)
    taken = [name for name in files if name not in OPTIONAL and (args.folder / name).exists()]
    if taken:
        where = str(args.folder)
        raise CrucibleError(f"{', '.join(taken)} would be overwritten", where=where, fix="choose an empty folder")
    files = {name: text for name, text in files.items() if not (args.folder / name).exists()}
    for name, text in files.items():
        path = args.folder / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise CrucibleError(f"it cannot be written: {error.strerror}", where=str(path)) from error
    if args.json:
        output.print_json({"folder": str(args.folder), "written": sorted(files)})
        return 0
    for name in sorted(files):
        print(f"wrote {args.folder / name}")
    if "pyproject.toml" not in files:
        print(f"\nadd this to {args.folder / 'pyproject.toml'}:\n\n{scaffold(args.lane)['pyproject.toml']}")
    change_folder = "" if args.folder == Path() else f"cd {shlex.quote(str(args.folder))} && "
    print("\nnow type:")
    if args.lane == "kernel" and find_spec("torch") is None:
        print("  pip install 'pytest-crucible[kernels]'    # torch is not installed here")
    print(f"  {change_folder}pytest suites/\n  crucible top\n  crucible show --run latest")
    return 0


def scaffold(lane: str) -> Mapping[str, str]:
    """The files of a new project, by path."""
    requirement = "pytest-crucible[kernels]" if lane == "kernel" else "pytest-crucible"
    files = read_archive(FOLDER / f"{lane}.txtar") | read_archive(FOLDER / "project.txtar")
    return {name: text.replace("@REQUIREMENT@", requirement) for name, text in files.items()}


def read_archive(path: Path) -> dict[str, str]:
    """The files of an archive in the txtar format: a line `-- NAME --`, then the text of the file."""
    _, *parts = re.split(r"^-- (.+) --\n", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[::2], parts[1::2], strict=True))
