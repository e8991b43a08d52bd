"""Attack a sandbox on this machine and report which layers of isolation work, and what the others need.

Example:
  crucible doctor
  crucible doctor specs/ suites/ --json
"""

from __future__ import annotations

import argparse
import importlib.util
import platform
import sys
from pathlib import Path

from harness.bytecode import describe_missing
from harness.cli import output
from harness.core.errors import UsageError

EXTRAS = {"torch": "kernels", "triton": "kernels", "numpy": "kernels", "distributed": "cluster", "evalplus": "bench"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "paths",
        nargs="*",
        type=Path,
        metavar="PATH",
        help="files and folders that no subject may read (default: the current folder)",
    )
    output.add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Probe the sandbox; exit status 1 if a subject escaped."""
    from harness.sandbox.probe import probe

    for path in args.paths:
        if not path.exists():
            raise UsageError(f"{path} does not exist", fix="name files or folders that exist")
    found = probe([path.absolute() for path in args.paths] or [Path.cwd()])
    extras = {module: importlib.util.find_spec(module) is not None for module in EXTRAS}
    missing = describe_missing(Path(__file__))
    if args.json:
        output.print_json(
            {
                "tier": found.tier,
                "layers": [dict(zip(("layer", "state", "reason"), row, strict=True)) for row in found.table()],
                "line": found.line(),
                "python": platform.python_version(),
                "platform": sys.platform,
                "extras": extras,
                "byte_code": missing is None,
            }
        )
        return int(bool(found.breaches))
    print(found.line())
    for layer, state, note in found.table():
        print(f"  {layer:<12} {state:<9} {note}".rstrip())
    print(f"python {platform.python_version()} on {sys.platform}")
    if missing:
        print(f"  {'byte code':<12} {missing}")
    for module, is_installed in extras.items():
        state = "installed" if is_installed else f"not installed: pip install pytest-crucible[{EXTRAS[module]}]"
        print(f"  {module:<12} {state}")
    return int(bool(found.breaches))
