"""Copy the runs of other ledgers (shards, machines) or of a rescued journal into one. Repeating it is harmless.

Shards (--shard) become one run: `crucible show --run latest` and `crucible report` are then about all of them, and
their gates are evaluated on the whole. Ledgers that are named together must be parts of one partition, where they are
parts at all.

Example:
  crucible merge shard-1.db shard-2.db --ledger reports/ledger.db
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict, replace
from pathlib import Path

from harness.cli import output
from harness.cli.printable_stream import raw
from harness.cli.second_run import add_plugins, load_registry
from harness.core.errors import CrucibleError
from harness.ledger import queries
from harness.ledger.merge import check_shards, check_source, merge
from harness.ledger.store import Ledger
from harness.report import words
from harness.report.run_verdict import Kind, RunVerdict, run_verdict


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("sources", nargs="+", type=Path, metavar="DB", help="a ledger, or the .jsonl journal of a run")
    add_plugins(parser)
    output.add_ledger(parser)
    output.add_json(parser)


def run(args: argparse.Namespace) -> int:
    from harness.session.merged_runs import merge_partitions

    registry = load_registry(args.plugin)
    for source in args.sources:
        check_source(source)
    if len(args.sources) > 1:
        check_shards(args.sources)
    with output.open_ledger(args.ledger, create=True) as ledger:
        merged = [merge(ledger, source) for source in args.sources]
        wholes = merge_partitions(ledger, registry)
        latest = queries.run(ledger)["run_id"] if wholes else ""
        verdict = run_verdict(ledger, latest) if latest in wholes else None
        shown = _show_in_ci(ledger, latest, verdict) if verdict else []
    for fault in verdict.of_kind(Kind.PROBLEM) if verdict else ():
        print(f"crucible: {words.printable(fault.why)}", file=sys.stderr)
    if args.json:
        output.print_json([asdict(one) for one in merged])
        return 0
    for one in merged:
        print(f"{one.source}: {words.count(one.runs, 'new run')}, {words.count(one.evaluations, 'new evaluation')}")
        for notice in one.notices:
            print(f"  {notice}")
    for line in shown:
        print(line, file=raw(sys.stdout))  # workflow commands, whose texts are escaped
    if verdict:
        print(f"all shards: {verdict.word}  {words.printable(' · '.join(verdict.facts()))}")
        print(f"  crucible show --run latest --ledger {words.printable(str(args.ledger))}")
    return 0


def _show_in_ci(ledger: Ledger, run_id: str, verdict: RunVerdict) -> list[str]:
    """The step summary of all shards, and annotations of what no shard could say: gates of the whole, and problems."""
    from harness.report import ci

    try:
        ci.write_step_summary(ledger, run_id)
    except CrucibleError as error:  # what was merged stays
        print(f"crucible: {words.printable(str(error))}", file=sys.stderr)
    return ci.annotate(replace(verdict, faults=tuple(verdict.of_kind(Kind.GATE, Kind.PROBLEM))), ())
