"""Lineage: what a revised program was derived from, kept in a ledger."""

from __future__ import annotations

from pathlib import Path

from harness.ledger.store import Ledger, now


def record_lineage(ledger: Path, child: str, parent: str) -> None:
    """Note in a ledger what a program was derived from.

    Raises:
        LedgerError: if it cannot be written.
    """
    with Ledger.open(ledger) as opened, opened.writing() as connection:
        connection.execute(
            "INSERT OR IGNORE INTO lineage (child, parent, relation, created_at) VALUES (?, ?, 'improved', ?)",
            (child, parent, now()),
        )
