"""Copy the runs of other ledgers (shards, machines) or of a rescued journal into one. Repeating it is harmless.

Ledgers that are named together must be parts of one partition (--shard), where they are parts at all.

Example:
  crucible merge shard-1.db shard-2.db --ledger reports/ledger.db
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from pathlib import Path

from harness.cli import output
from harness.ledger.merge import check_shards, check_source, merge
from harness.report import words


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("sources", nargs="+", type=Path, metavar="DB", help="a ledger, or the .jsonl journal of a run")
    output.add_ledger(parser)
    output.add_json(parser)


def run(args: argparse.Namespace) -> int:
    for source in args.sources:
        check_source(source)
    for sentence in check_shards(args.sources) if len(args.sources) > 1 else ():
        print(f"crucible: {sentence}", file=sys.stderr)
    with output.open_ledger(args.ledger, create=True) as ledger:
        merged = [merge(ledger, source) for source in args.sources]
    if args.json:
        output.print_json([asdict(one) for one in merged])
        return 0
    for one in merged:
        print(f"{one.source}: {words.count(one.runs, 'new run')}, {words.count(one.evaluations, 'new evaluation')}")
        for notice in one.notices:
            print(f"  {notice}")
    return 0
