"""Write the HTML report of a run as one offline page.

Example:
  crucible report --run latest~1 --report reports/before.html
"""

from __future__ import annotations

import argparse
from pathlib import Path

from harness.cli import output


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--run", default="latest", metavar="RUN", help="a run's id or a part of it (default latest)")
    parser.add_argument(
        "--report",
        "--out",
        type=Path,
        default=Path("reports/index.html"),
        metavar="PATH",
        help="the HTML file (default reports/index.html)",
    )
    output.add_ledger(parser)
    output.add_json(parser)


def run(args: argparse.Namespace) -> int:
    from harness.report.html import write_report

    with output.read_ledger(args.ledger) as ledger:
        path = write_report(ledger, args.run, args.report)
    if args.json:
        output.print_json({"report": str(path), "bytes": path.stat().st_size})
    else:
        print(path)
    return 0
