"""`crucible top`: the leaderboard as it stands."""

from __future__ import annotations

import argparse
from itertools import groupby

from harness.cli import output
from harness.core.errors import LedgerError
from harness.core.ranking import Place
from harness.ledger import queries
from harness.report import rerun, words
from harness.report.table import Column

NAME = "top"
HELP = """Print the leaderboard: the latest verdict on each subject, best first.

example:
  crucible top --lane toolgen --top 3
  crucible top --ledger reports/ledger.db --json"""

SHOWN = 5
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
        apart = queries.left_out(ledger, lane=args.lane, suite=args.suite)
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
        board = list(found)
        output.print_table(COLUMNS, [_cells(row) for row in board])
        left = [row for row in apart if (row["lane"], row["suite"]) == (lane, suite)]
        for row in left[:SHOWN]:
            print(words.fit(f"  left out: {row['subject']} {row['digest'][:8]}: {row['why']}", output.width()))
        if left:
            more = f"{len(left) - SHOWN} more; " if len(left) > SHOWN else ""
            print(f"  {more}to compare them: pytest {rerun.quote(suite)} --epoch {board[0]['epoch']} --fresh")
    return 0


def _cells(row: queries.Row) -> list[str]:
    control = "" if row["expected"] is None else " (control)"
    return [
        str(Place(row["rank"], row["worst_rank"])) if row["score"] is not None else "-",
        row["subject"] + control,
        row["digest"][:8],
        words.score(row["score"]),
        row["status"] if row["passed"] or row["status"] != "ok" else "fails",
        "" if row["stability"] is None else f"{row['stability']:.2f}",
        "" if row["median_ms"] is None else words.milliseconds(row["median_ms"]),
        str(row["epoch"]),
        row["run_id"],
        words.style(row),
    ]
