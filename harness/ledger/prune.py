"""Prune: delete old runs and free their disk space."""

from __future__ import annotations

import json
from datetime import datetime

from harness.core.errors import LedgerError
from harness.ledger import shapes
from harness.ledger.lookup import PARTS
from harness.ledger.packing import KEY
from harness.ledger.standings import rank_boards
from harness.ledger.store import Ledger

CACHE_KIB = 64 << 10
# What only runs that went, and no search, referred to; a part of a file refers to its parent.
UNUSED = (
    """DELETE FROM sources WHERE digest NOT IN (SELECT digest FROM evaluations UNION SELECT digest FROM trials
       UNION SELECT parent FROM lineage WHERE child IN (SELECT digest FROM evaluations))""",
    shapes.UNUSED,
    f"""DELETE FROM dictionaries WHERE key NOT IN (SELECT substr(record, 1, {KEY}) FROM evaluations
        UNION SELECT substr(text, 1, {KEY}) FROM sources WHERE text IS NOT NULL)""",  # noqa: S608
)


def prune(
    ledger: Ledger, *, keep: int | None = None, newer_than: datetime | None = None, dry_run: bool = False
) -> list[str]:
    """Drop runs that neither `keep` nor `newer_than` protects; a run that is still going always stays.

    Args:
        ledger: Open for writing.
        keep: How many of the newest runs stay.
        newer_than: Runs started at or after this moment stay.
        dry_run: Only report what would be deleted.

    Returns:
        The ids of the runs that went, oldest first.

    Raises:
        LedgerError: if nothing says what to keep, or the ledger cannot be written.
    """
    if keep is None and newer_than is None:
        raise LedgerError("no rule says which runs to keep", fix="use --keep N or --newer-than AGE")
    runs = ledger.rows(
        f"""SELECT run_id, started_at, status, iif(json_valid(record), json_extract(record, '$.parts'), NULL) AS parts
            FROM runs WHERE run_id NOT IN ({PARTS}) ORDER BY started_at DESC, run_id DESC"""  # noqa: S608 - a constant
    )
    gone = [
        run_id
        for place, row in enumerate(runs)
        if row["status"] != "running"
        and not (keep is not None and place < keep)
        and not (newer_than is not None and datetime.fromisoformat(row["started_at"]) >= newer_than)
        for run_id in (row["run_id"], *json.loads(row["parts"] or "[]")[::-1])  # a merged partition with its parts
    ][::-1]
    if gone and not dry_run:
        with ledger.writing() as connection:
            # A statement keeps a copy of each page before it changes it, and all runs have rows on most pages of the
            # indices: one statement for all of them, and room for the pages.
            connection.execute(f"PRAGMA cache_size = -{CACHE_KIB:d}")
            connection.execute("DELETE FROM runs WHERE run_id IN (SELECT value FROM json_each(?))", (json.dumps(gone),))
            for unused in UNUSED:
                connection.execute(unused)
            rank_boards(connection)
        ledger.compact()
    return gone
