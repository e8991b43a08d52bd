"""Lineage: a ledger's record of the program that a revision was derived from."""

from __future__ import annotations

from pathlib import Path

from harness.ledger.row import now
from harness.ledger.store import Ledger


def record_lineage(ledger: Path, child: str, parent: str) -> None:
    """Record in a ledger that `child` was derived from `parent`; both are digests.

    Raises:
        LedgerError: if it cannot be written.
    """
    with Ledger.open(ledger) as opened, opened.writing() as connection:
        connection.execute(
            "INSERT OR IGNORE INTO lineage (child, parent, relation, created_at) VALUES (?, ?, 'improved', ?)",
            (child, parent, now()),
        )
