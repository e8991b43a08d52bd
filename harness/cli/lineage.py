"""Show the ancestors and descendants of a subject with their best scores.

Example:
  crucible lineage trie
  crucible lineage 1a2b3c4d --json
"""

from __future__ import annotations

import argparse

from harness.cli import output
from harness.ledger import queries
from harness.report import words


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", metavar="NODEID|DIGEST|NAME", help="a node id, the beginning of a digest, or a name")
    output.add_ledger(parser)
    output.add_json(parser)


def run(args: argparse.Namespace) -> int:
    with output.read_ledger(args.ledger) as ledger:
        rows = queries.lineage(ledger, args.what)
    if args.json:
        output.print_json(rows)
        return 0
    oldest, scores = rows[0]["generation"], {row["digest"]: row["score"] for row in rows}
    limit = output.measure_width()
    for row in rows:
        best = max((scores[p] for p in row["parents"] if scores.get(p) is not None), default=None)
        change = "" if best is None or row["score"] is None else f"  {words.delta(row['score'] - best)}"
        verdict = "not judged" if row["passed"] is None else f"{words.score(row['score'])} {row['status']}"
        mark = "●" if row["generation"] == 0 else "○"
        indent = "  " * (row["generation"] - oldest)
        print(words.fit(f"{indent}{mark} {row['subject']}  {row['digest'][:8]}  {verdict}{change}", limit))
    return 0
