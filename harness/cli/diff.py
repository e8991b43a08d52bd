"""Compare two runs, by default the last two: cases that changed, appeared or disappeared.

Example:
  crucible diff latest~1 latest
  crucible diff 20261122-1137 20261123-0900 --json
"""

from __future__ import annotations

import argparse
from typing import Any

from harness.cli import output
from harness.ledger import queries
from harness.report import words
from harness.report.table import Column

COLUMNS = (
    Column("case", flexible=True, min_width=20),
    Column("score", right=True),
    Column("Δ", right=True),
    Column("status"),
    Column("subject", optional=2),
    Column("why", flexible=True, prose=True, min_width=16, optional=3),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("before", nargs="?", default="latest~1", metavar="RUN", help="default latest~1")
    parser.add_argument("after", nargs="?", default="latest", metavar="RUN", help="default latest")
    output.add_ledger(parser)
    output.add_json(parser)


def run(args: argparse.Namespace) -> int:
    with output.read_ledger(args.ledger) as ledger:
        found: dict[str, Any] = queries.diff(ledger, args.before, args.after)
    if args.json:
        output.print_json(found)
        return 0
    print(f"{found['before']} -> {found['after']}")
    if found["differs"]:
        print(f"not comparable as numbers: {words.printable('; '.join(found['differs']))}")
    if found["changed"]:
        output.print_table(COLUMNS, [_format_cells(change) for change in found["changed"]])
    # A case that is missing may be deleted, or not selected: a run does not know.
    for name, said in (("added", "only now"), ("removed", "not judged now")):
        for nodeid in found[name]:
            print(f"{said}: {words.printable(nodeid)}")
    print(f"{len(found['changed'])} changed, {found['unchanged']} unchanged, {len(found['added'])} only now, "
          f"{len(found['removed'])} not judged now")  # fmt: skip
    return 0


def _format_cells(change: dict[str, Any]) -> list[str]:
    before, after = change["score"]
    old, new = change["status"]
    return [
        change["nodeid"],
        f"{words.score(before)} → {words.score(after)}",
        words.delta(after - before if before is not None and after is not None else None),
        old if old == new else f"{old} → {new}",
        "edited" if change["edited"] else "",
        change["why"] if not change["passed"][1] else "",
    ]
