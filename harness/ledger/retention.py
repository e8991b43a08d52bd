"""Retention: sources and evidence of rejected candidates, of which a ledger keeps all, those of leaders, or none."""

from __future__ import annotations

import json
from typing import Any, Literal

from harness.ledger.lookup import RECORD
from harness.ledger.packing import Packer
from harness.ledger.row import dump
from harness.ledger.store import Ledger

# Controls (`expect`) are not candidates, and cases that could not be judged were not rejected.
_REJECTED = """
    SELECT rowid AS place, digest FROM evaluations e
    WHERE NOT passed AND expected IS NULL AND status NOT IN ('infra', 'skipped') AND (:run IS NULL OR run_id = :run)
        AND case_key <> x''
        AND (:keep = 'none' OR digest NOT IN (SELECT digest FROM snapshots WHERE passed AND rank = 1))"""
_UNUSED = """
    DELETE FROM sources WHERE digest IN (SELECT value FROM json_each(?))
        AND digest NOT IN (SELECT digest FROM evaluations WHERE passed OR expected IS NOT NULL)
        AND digest NOT IN (SELECT digest FROM trials) AND digest NOT IN (SELECT parent FROM lineage)"""
_EMPTY: dict[str, Any] = {
    "attempts": [], "facts": {}, "exhibits": [], "comparisons": [], "environment": {}, "quality": None,
    "counterexample": None, "unconfirmed": "",
}  # fmt: skip


def shorten_rejected(ledger: Ledger, keep: Literal["leaders", "none"], *, run_id: str | None = None) -> int:
    """Delete sources and evidence of rejected candidates; their verdicts, scores, gates and components stay.

    A verdict without evidence is not reused: the next run judges the candidate again.

    Args:
        ledger: Open for writing.
        keep: "leaders" keeps those of candidates that led a board once.

    Returns:
        How many evaluations were shortened.

    Raises:
        LedgerError: if the ledger cannot be written.
    """
    with ledger.writing() as connection:
        packer = Packer(connection)
        rejected = connection.execute(_REJECTED, {"run": run_id, "keep": keep}).fetchall()
        query = f"SELECT lane, suite, digest, numbers, {RECORD} FROM evaluations WHERE rowid = ?"  # noqa: S608
        for place, _ in rejected:
            lane, suite, digest, numbers, record = connection.execute(query, (place,)).fetchone()
            text = _shortened(record).encode("utf-8", "backslashreplace")
            packed = packer.pack(text, f"{lane} {suite}", digest + numbers)
            # Without its key no run finds it.
            connection.execute("UPDATE evaluations SET record = ?, case_key = x'' WHERE rowid = ?", (packed, place))
        connection.execute(_UNUSED, (json.dumps([digest for _, digest in rejected]),))
    return len(rejected)


def _shortened(record: str) -> str:
    try:
        wire = json.loads(record)
        wire["evidence"] |= {name: value for name, value in _EMPTY.items() if name in wire["evidence"]}
    except (ValueError, KeyError, TypeError, RecursionError):
        return record or ""
    return dump(wire)
