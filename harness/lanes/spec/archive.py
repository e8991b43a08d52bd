"""Archive: versions of grammars in a ledger, so that a lineage outlives the process that made it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from harness.grammar.version import SpecStore
from harness.ledger.row import now
from harness.ledger.store import Ledger


def save(ledger: Ledger, store: SpecStore, *, scores: Mapping[str, tuple[float, float | None]] | None = None) -> int:
    """Add a store's versions and branches to a ledger; stored versions stay. Returns the number of new versions.

    Args:
        ledger: Open for writing.
        store: Parents come before their children.
        scores: By version id, for measured versions: scores on the samples and on the hold-out, 0 to 100.

    Raises:
        LedgerError: if the ledger cannot be written.
    """
    exported = store.export()
    with ledger.writing() as connection:
        before = connection.execute("SELECT count(*) FROM spec_versions").fetchone()[0]
        for entry in exported["versions"]:
            score, holdout = scores[entry["id"]] if scores and entry["id"] in scores else (None, None)
            patch = entry["patch"]
            values = (
                entry["id"], entry["parent"], entry["text"], json.dumps(patch) if patch else None,
                patch["description"] if patch else "", score, holdout, now(),
            )  # fmt: skip
            connection.execute("INSERT OR IGNORE INTO spec_versions VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)
            if score is not None:
                update = "UPDATE spec_versions SET score = ?, holdout = ? WHERE version_id = ?"
                connection.execute(update, (score, holdout, entry["id"]))
        for name, version_id in exported["branches"].items():
            connection.execute("INSERT OR REPLACE INTO spec_branches VALUES (?, ?)", (name, version_id))
        after = connection.execute("SELECT count(*) FROM spec_versions").fetchone()[0]
    return int(after) - int(before)


def load(ledger: Ledger) -> SpecStore:
    """Load all versions and branches of a ledger.

    Raises:
        SpecError: if a stored version was changed by hand.
    """
    store = SpecStore()
    versions = [
        {
            "id": row["version_id"],
            "parent": row["parent_id"],
            "text": row["text"],
            "patch": json.loads(row["patch"]) if row["patch"] else None,
        }
        for row in rows(ledger)
    ]
    branches = {r["name"]: r["version_id"] for r in ledger.rows("SELECT * FROM spec_branches")} if versions else {}
    store.restore({"versions": versions, "branches": branches})
    return store


def rows(ledger: Ledger) -> list[dict[str, Any]]:
    """Read the rows of `spec_versions`, parents before children."""
    return ledger.rows("SELECT * FROM spec_versions ORDER BY rowid")
