"""List the versions of grammars in a ledger, or print one.

Example:
  crucible spec versions --ledger reports/ledger.db
"""

from __future__ import annotations

import argparse

from harness.cli import output
from harness.core.errors import UsageError
from harness.lanes.spec import archive
from harness.report import words
from harness.report.table import Column


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "version", nargs="?", metavar="VERSION", help="print this version: an id, its beginning, or a branch"
    )
    output.add_ledger(parser)
    output.add_json(parser)


def run(args: argparse.Namespace) -> int:
    with output.read_ledger(args.ledger) as ledger:
        rows = archive.rows(ledger)
        store = archive.load(ledger)
    if args.version is not None:
        version = store.version(args.version)
        if args.json:
            lineage = store.get_lineage(version.id)
            output.print_json({"id": version.id, "lineage": lineage, "grammar": version.spec_text})
        else:
            output.print_document(version.spec_text)
        return 0
    if args.json:
        output.print_json({"versions": rows, "branches": store.branches})
        return 0
    if not rows:
        raise UsageError("the ledger holds no versions", where=str(args.ledger), fix="crucible spec improve --ledger")
    heads = {version_id: name for name, version_id in store.branches.items()}
    columns = (Column("version"), Column("parent"), Column("score", right=True), Column("made by", flexible=True))
    cells = [
        [
            row["version_id"][:12],
            (row["parent_id"] or "")[:12],
            words.score(row["score"]),
            (f"({heads[row['version_id']]}) " if row["version_id"] in heads else "") + row["description"],
        ]
        for row in rows
    ]
    output.print_table(columns, cells)
    return 0
