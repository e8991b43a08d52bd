"""List the Pareto front: passing subjects that no other one equals or beats in score, time, memory, size and stability.

Example:
  crucible pareto --suite text_deduplicate
  crucible pareto --all --epoch 20 --json
"""

from __future__ import annotations

import argparse

from harness.cli import output
from harness.core.number import whole
from harness.core.stability import percent
from harness.ledger import queries
from harness.report import words
from harness.report.table import Column

COLUMNS = (
    Column("", optional=1),
    Column("suite", flexible=True, min_width=12, optional=2),
    Column("candidate", flexible=True, min_width=16),
    Column("score", right=True),
    Column("median", right=True),
    Column("peak", right=True),
    Column("size", right=True, optional=3),
    Column("stability", right=True, optional=4),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    output.add_ledger(parser)
    output.add_filters(parser)
    parser.add_argument("--epoch", type=whole(), metavar="N", help="verdicts of this epoch (default: each latest one)")
    parser.add_argument("--all", action="store_true", help="list the other subjects too, and mark the front with *")
    output.add_json(parser)


def run(args: argparse.Namespace) -> int:
    with output.read_ledger(args.ledger) as ledger:
        output.refuse_empty(ledger, args)
        rows = queries.pareto(ledger, lane=args.lane, suite=args.suite, epoch=args.epoch)
    shown = rows if args.all else [row for row in rows if row["front"]]
    if args.json:
        output.print_json(shown)
    elif shown:
        output.print_table(COLUMNS, [_format_cells(row, mark=args.all) for row in shown])
        volumes = {f"{row['lane']} · {row['suite']}": row["hypervolume"] for row in shown}
        for suite, volume in volumes.items():
            if volume is not None:
                print(f"hypervolume of {words.printable(suite)}: {volume:.4f}")
    else:
        print("nothing has passed yet")
    return 0


def _format_cells(row: queries.Row, *, mark: bool) -> list[str]:
    return [
        "*" if mark and row["front"] else "",
        row["suite"],
        row["subject"],
        words.score(row["score"]),
        words.milliseconds(row["median_ms"]),
        words.NOTHING if row["peak_mb"] is None else f"{row['peak_mb']:.1f} MB",
        "" if row["size"] is None else f"{row['size']} B",
        "" if row["stability_bound"] is None else f"p<{percent(row['stability_bound']).replace(' ', '')}",
    ]
