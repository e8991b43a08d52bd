"""Print the leaderboard: the latest verdict on each subject, best first.

Example:
  crucible top --lane toolgen --top 3
  crucible top --pass-at 1 --pass-at 5
  crucible top --ledger reports/ledger.db --json
"""

from __future__ import annotations

import argparse
from itertools import groupby
from typing import Any

from harness.cli import output
from harness.core.errors import LedgerError
from harness.core.number import whole
from harness.core.pass_rate import pass_all, pass_at
from harness.core.ranking import Place
from harness.ledger import queries
from harness.report import rerun, words
from harness.report.table import Column

MAX_SHOWN = 5
COLUMNS = (
    Column(" #", right=True),
    Column("candidate", flexible=True, min_width=20),
    Column("digest", optional=4),
    Column("score", right=True),
    Column("status"),
    Column("stability", right=True, optional=3),
    Column("median", right=True, optional=2),
    Column("epoch", right=True, optional=5),
    Column("run", optional=7),
    Column("style", flexible=True, min_width=12, optional=6),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    output.add_ledger(parser)
    output.add_filters(parser)
    parser.add_argument("--top", type=whole(1), default=10, metavar="N", help="the first N of each suite (default 10)")
    parser.add_argument(
        "--pass-at",
        type=whole(1),
        action="append",
        metavar="K",
        help="instead, for each group of candidates (`group` or `generator` in their metadata): pass@K, the "
        "probability that one of K passes, and pass^K, that all pass; the mean over suites (repeatable)",
    )
    output.add_json(parser)


def run(args: argparse.Namespace) -> int:
    if args.pass_at:
        return _print_pass_rates(args)
    with output.read_ledger(args.ledger) as ledger:
        rows = queries.leaderboard(ledger, lane=args.lane, suite=args.suite, top=args.top)
        left_out = queries.left_out(ledger, lane=args.lane, suite=args.suite)
        output.refuse_empty(ledger, args)
    if args.json:
        output.print_json(rows)
        return 0
    for number, ((lane, suite), found) in enumerate(groupby(rows, key=lambda row: (row["lane"], row["suite"]))):
        print(("\n" if number else "") + words.fit(f"{lane} · {suite}", output.measure_width(), middle=True))
        board = list(found)
        output.print_table(COLUMNS, [_format_cells(row) for row in board])
        if board[0]["rank"] == 1 and (why := words.unconfirmed(board[0])):
            print(f"{words.printable(board[0]['subject'])} leads, {why}")
        left = [row for row in left_out if (row["lane"], row["suite"]) == (lane, suite)]
        for row in left[:MAX_SHOWN]:
            print(words.fit(f"  left out: {row['subject']} {row['digest'][:8]}: {row['why']}", output.measure_width()))
        if left:
            more = f"{len(left) - MAX_SHOWN} more; " if len(left) > MAX_SHOWN else ""
            print(f"  {more}to compare them: pytest {rerun.quote(suite)} --epoch {board[0]['epoch']} --fresh")
    return 0


def _print_pass_rates(args: argparse.Namespace) -> int:
    """Print the pass rates of each group of candidates."""
    with output.read_ledger(args.ledger) as ledger:
        rows = queries.cohorts(ledger, lane=args.lane, suite=args.suite)
    if not rows:
        raise LedgerError("no candidate was judged", where=str(args.ledger), fix="run `pytest` on a suite first")
    rates = [
        _estimate_rates(name, list(found), args.pass_at) for name, found in groupby(rows, key=lambda row: row["cohort"])
    ]
    if args.json:
        output.print_json(rates)
        return 0
    columns = [
        Column("group", flexible=True, min_width=16),
        *(Column(name, right=True) for name in ("suites", "candidates")),
    ]
    names = [f"pass{sign}{k}" for k in args.pass_at for sign in "@^"]
    columns += [Column(name, right=True) for name in ("pass", *names)]
    output.print_table(columns, [_format_rate(rate, names) for rate in rates])
    if any(rate[name] is None for rate in rates for name in names):
        print("— is undefined: a suite has fewer than K candidates of the group")
    return 0


def _estimate_rates(group: str, rows: list[queries.Row], ks: list[int]) -> dict[str, Any]:
    """Average the estimates over suites, each one a problem; a mean is None if one of its estimates is."""
    found: dict[str, Any] = {
        "group": group,
        "suites": len(rows),
        "candidates": sum(row["total"] for row in rows),
        "passed": sum(row["passed"] for row in rows),
    }
    for k in ks:
        for sign, estimate in (("@", pass_at), ("^", pass_all)):
            values = [estimate(k, passed=row["passed"], total=row["total"]) for row in rows]
            known = [value for value in values if value is not None]
            found[f"pass{sign}{k}"] = sum(known) / len(known) if len(known) == len(values) else None
    return found


def _format_rate(rate: dict[str, Any], names: list[str]) -> list[str]:
    numbers = [str(rate[name]) for name in ("suites", "candidates", "passed")]
    return [words.printable(rate["group"]) or "(no group)", *numbers, *(words.score(rate[name]) for name in names)]


def _format_cells(row: queries.Row) -> list[str]:
    control = "" if row["expected"] is None else " (control)"
    return [
        "-"
        if row["score"] is None
        else "?"
        if row["rank"] == 1 and words.unconfirmed(row)
        else str(Place(row["rank"], row["worst_rank"])),
        row["subject"] + control,
        row["digest"][:8],
        words.score(row["score"]),
        words.status(row) if row["passed"] or row["status"] != "ok" else "fails",
        words.stability(row),
        "" if row["median_ms"] is None else words.milliseconds(row["median_ms"]),
        str(row["epoch"]),
        row["run_id"],
        words.style(row),
    ]
