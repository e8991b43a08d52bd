"""Archive: versions of grammars in a ledger, so that a lineage outlives the process that made it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from harness.grammar.improvement.iteration import Improvement
from harness.grammar.version import SpecStore
from harness.ledger.row import now
from harness.ledger.store import Ledger
from harness.ledger.trials import Trial, record_search


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


def record_trials(ledger: Ledger, name: str, found: Improvement, *, operator: str) -> None:
    """Record an improvement as trials of a search: one row for each version.

    Args:
        ledger: Open for writing.
        name: The grammar's name.
        found: The improvement.
        operator: Who proposed.

    Raises:
        LedgerError: if the ledger cannot be written.
    """
    scores = {step.version_id: step.score for step in found.steps}
    scores |= {found.initial.id: found.initial_score, found.best.id: found.best_score}
    kept = set(found.store.get_lineage(found.best.id))
    generations: dict[str, int] = {}
    rows = []
    for number, version in enumerate(found.store):
        generation = generations[version.id] = generations.get(version.parent_id or "", -1) + 1
        score = scores.get(version.id)
        rows.append(
            Trial(
                number=number,
                generation=generation,
                epoch=0,
                suite=name,
                digest=version.id,
                parents=(version.parent_id,) if version.parent_id else (),
                operator=operator if version.parent_id else "start",
                stage="judged" if score is not None else "screen",
                status="ok",
                score=None if score is None else score / 100,
                passed=version.id in kept,
                verdict={"why": version.patch_applied.description if version.patch_applied else ""},
            )
        )
    config = {"start": found.initial.id, "operator": operator}
    texts = {version.id: version.spec_text for version in found.store}
    record_search(ledger, f"spec-{name}", lane="spec", config=config, trials=rows, texts=texts)


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
