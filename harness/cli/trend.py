"""Print how one subject, or every suite, changed over the runs of the ledger; a reused verdict counts once.

Example:
  crucible trend trie
  crucible trend suites/toolgen/words.suite.yaml::trie --limit 20
  crucible trend --lane toolgen
"""

from __future__ import annotations

import argparse

from harness.cli import output
from harness.core.number import whole
from harness.ledger import queries
from harness.ledger.store import Ledger
from harness.report import words
from harness.report.table import Column

CASE_COLUMNS = (
    Column("run"),
    Column("case", flexible=True, min_width=16, optional=3),
    Column("digest", optional=2),
    Column("epoch", right=True, optional=4),
    Column("tier", optional=5),
    Column("score", right=True),
    Column("status"),
    Column("median", right=True, optional=6),
)
SUITE_COLUMNS = (
    Column("suite", flexible=True, min_width=16),
    Column("run"),
    Column("epoch", right=True, optional=3),
    Column("cases", right=True),
    Column("passed", right=True),
    Column("best", right=True),
    Column("mean", right=True),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", nargs="?", metavar="NODEID|DIGEST|NAME", help="default: every suite")
    parser.add_argument("--limit", type=whole(1), default=30, metavar="N", help="the last N runs (default 30)")
    output.add_ledger(parser)
    output.add_filters(parser)
    output.add_json(parser)


def run(args: argparse.Namespace) -> int:
    with output.read_ledger(args.ledger) as ledger:
        if args.what is None:
            output.refuse_empty(ledger, args)
        rows = _query_suites(ledger, args) if args.what is None else queries.trend(ledger, args.what)[-args.limit :]
    if args.json:
        output.print_json(rows)
    elif args.what is None:
        output.print_table(SUITE_COLUMNS, [_format_suite(row) for row in rows])
    else:
        output.print_table(CASE_COLUMNS, [_format_cells(row) for row in rows])
        print(words.spark([row["score"] for row in rows]))
    return 0


def _query_suites(ledger: Ledger, args: argparse.Namespace) -> list[queries.Row]:
    return ledger.rows(
        f"""SELECT lane, suite, run_id, r.epoch, r.tier, count(*) AS cases, sum(passed) AS passed,
               max(CASE WHEN passed THEN score END) AS best, avg(score) AS mean
           FROM (SELECT * FROM runs WHERE run_id NOT IN ({queries.PARTS}) ORDER BY started_at DESC LIMIT ?3) r
           JOIN evaluations USING (run_id)
           WHERE expected IS NULL AND (?1 IS NULL OR lane = ?1) AND (?2 IS NULL OR instr(suite, ?2))
           GROUP BY lane, suite, run_id HAVING max(reused_from NOT IN (SELECT run_id FROM runs))
           ORDER BY lane, suite, r.started_at""",  # noqa: S608 - a constant
        args.lane,
        args.suite,
        args.limit,
    )


def _format_suite(row: queries.Row) -> list[str]:
    return [
        f"{row['lane']} · {row['suite']}",
        row["run_id"],
        str(row["epoch"]),
        str(row["cases"]),
        str(row["passed"]),
        words.score(row["best"]),
        words.score(row["mean"]),
    ]


def _format_cells(row: queries.Row) -> list[str]:
    return [
        row["run_id"],
        row["nodeid"],
        row["digest"][:8],
        str(row["epoch"]),
        row["tier"] or "",
        words.score(row["score"]),
        row["status"] if row["passed"] or row["status"] != "ok" else "fails",
        "" if row["median_ms"] is None else words.milliseconds(row["median_ms"]),
    ]
