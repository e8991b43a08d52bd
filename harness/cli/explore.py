"""Browse the ledger with Datasette, read-only and on this machine only: tables described, queries ready to run.

Example:
  crucible explore
  crucible explore --ledger reports/ledger.db --port 0
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import subprocess
import sys
from pathlib import Path

from harness.cli import output
from harness.core.errors import MissingExtraError
from harness.core.number import whole
from harness.core.owned_folder import OwnedFolder

MAX_CHARACTERS = 300  # of a cell in a table: `record` holds whole evaluations


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--port", type=whole(0, 65535), default=8001, metavar="N", help="port (default 8001; 0: any)")
    parser.add_argument("--open", action="store_true", help="open the browser")
    parser.add_argument("--get", metavar="PATH", help="print one page, such as /ledger/leaders.json, and serve nothing")
    output.add_ledger(parser)


def run(args: argparse.Namespace) -> int:
    if importlib.util.find_spec("datasette") is None:
        raise MissingExtraError("explore", module="datasette")
    output.read_ledger(args.ledger).close()  # says what is wrong with it, and brings an older one up to date
    with OwnedFolder("explore") as folder:
        command = build_command(args.ledger, folder, port=args.port, opens=args.open, get=args.get)
        try:
            done = subprocess.run(command, check=False, stdout=subprocess.PIPE if args.get else None)
            if args.get:
                output.print_document(done.stdout.decode("utf-8", "replace"))
            return done.returncode
        except KeyboardInterrupt:
            return 0


def build_command(ledger: Path, folder: Path, *, port: int, opens: bool = False, get: str | None = None) -> list[str]:
    """Write the metadata of a ledger to a folder, and return the command that serves the ledger with it."""
    from harness.ledger.description import datasette_metadata

    metadata = folder / "metadata.json"
    metadata.write_text(json.dumps(datasette_metadata(ledger.stem)), encoding="utf-8")
    command = [sys.executable, "-m", "datasette", "serve", str(ledger), "--metadata", str(metadata)]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    command += ["--setting", "truncate_cells_html", str(MAX_CHARACTERS), "--setting", "allow_download", "off"]
    return command + ["--open"] * opens + (["--get", get] if get else [])
