"""`crucible top`: the leaderboard as it stands."""

from __future__ import annotations

import argparse
from itertools import groupby

from harness.cli import output
from harness.core.errors import LedgerError
from harness.ledger import queries
from harness.report import words
from harness.report.table import Column

NAME = "top"
HELP = """Print the leaderboard: the latest verdict on each subject, best first.

example:
  crucible top --lane toolgen --top 3
  crucible top --ledger reports/ledger.db --json"""

COLUMNS = (
    Column(" #", right=True),
    Column("candidate", flexible=True, least=20),
    Column("digest", optional=4),
    Column("score", right=True),
    Column("status"),
    Column("stability", right=True, optional=3),
    Column("median", right=True, optional=2),
    Column("epoch", right=True, optional=5),
    Column("run", optional=7),
    Column("style", flexible=True, least=12, optional=6),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    output.add_ledger(parser)
    output.add_filters(parser)
    parser.add_argument("--top", type=int, default=10, metavar="N", help="the first N of each suite (default 10)")
    output.add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Print it."""
    with output.reading(args.ledger) as ledger:
        rows = queries.leaderboard(ledger, lane=args.lane, suite=args.suite, top=args.top)
        if not rows:
            known = sorted({f"{row['lane']} · {row['suite']}" for row in queries.leaderboard(ledger, top=1)})
            raise LedgerError(
                "no such leaderboard" if known else "nothing was judged yet",
                where=str(args.ledger),
                fix=f"there are {', '.join(known)}" if known else "run `pytest` on a suite with this --ledger",
            )
    if args.json:
        output.print_json(rows)
        return 0
    for number, ((lane, suite), found) in enumerate(groupby(rows, key=lambda row: (row["lane"], row["suite"]))):
        print(("\n" if number else "") + words.fit(f"{lane} · {suite}", output.width(), middle=True))
        listed = list(found)
        output.print_table(COLUMNS, [_cells(row) for row in listed])
        if listed[0]["rank"] == 1 and (why := words.unconfirmed(listed[0])):
            print(f"{words.printable(listed[0]['subject'])} leads, {why}")
    return 0


def _cells(row: queries.Row) -> list[str]:
    control = "" if row["expected"] is None else " (control)"
    return [
        "-" if row["score"] is None else "?" if row["rank"] == 1 and words.unconfirmed(row) else str(row["rank"]),
        row["subject"] + control,
        row["digest"][:8],
        words.score(row["score"]),
        row["status"] if row["passed"] or row["status"] != "ok" else "fails",
        words.stability(row),
        "" if row["median_ms"] is None else words.milliseconds(row["median_ms"]),
        str(row["epoch"]),
        row["run_id"],
        words.style(row),
    ]
