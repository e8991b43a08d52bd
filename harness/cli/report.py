"""Write the HTML report of a run as one offline page, or its tables and pictures as files.

Example:
  crucible report --run latest~1 --report reports/before.html
  crucible report --open --compare latest~3
  crucible report --csv tables --svg pictures
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from harness.cli import output
from harness.core.number import whole


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--run", default="latest", metavar="RUN", help="a run's id or a part of it (default latest)")
    parser.add_argument(
        "--compare", metavar="RUN", help="the run that changes are shown against (default the last one)"
    )
    parser.add_argument(
        "--report",
        "--out",
        type=Path,
        default=Path("reports/index.html"),
        metavar="PATH",
        help="the HTML file (default reports/index.html)",
    )
    said = "largest page (default 5000; it has at most 500 cases in full, one twice as large 1000)"
    parser.add_argument("--report-size", type=whole(), default=5000, metavar="KB", help=said)
    parser.add_argument("--open", action="store_true", help="open the page in the browser")
    parser.add_argument("--csv", type=Path, metavar="DIR", help="write the tables as CSV files instead")
    parser.add_argument("--svg", type=Path, metavar="DIR", help="write the pictures as SVG files instead")
    output.add_ledger(parser)
    output.add_json(parser)


def run(args: argparse.Namespace) -> int:
    with output.read_ledger(args.ledger) as ledger:
        if args.csv or args.svg:
            from harness.report.export import write_csv, write_svg

            written = write_csv(ledger, args.run, args.csv) if args.csv else []
            written += write_svg(ledger, args.run, args.svg) if args.svg else []
            line = f"{len(written)} files in {' and '.join(str(path) for path in (args.csv, args.svg) if path)}"
            return output.print_result(args, {"files": [str(path) for path in written]}, line)
        from harness.report.html import write_report

        path = write_report(ledger, args.run, args.report, compare=args.compare, size=1000 * args.report_size)
    output.print_result(args, {"report": str(path), "bytes": path.stat().st_size}, str(path))
    if args.open:
        import webbrowser

        if not webbrowser.open(path.absolute().as_uri()):
            print(f"no browser was found: open {path} yourself", file=sys.stderr)
    return 0
