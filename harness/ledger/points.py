"""Points: results of searches and benchmarks, one row each, stored at once, so that an interrupted one can resume.

A row's key is a digest of everything it depends on: the subject's text, what it is judged by, the point, the machine. A
row that is there is never computed again; a changed subject has other keys, and its old rows stay as history.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from harness.core.digest import digest_json
from harness.ledger.row import now
from harness.ledger.store import Ledger

_KEEP = """
INSERT OR REPLACE INTO points (key, lane, kind, subject, identity, value, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)
"""


class Points:
    """The points of one lane in a ledger.

    Args:
        ledger: Open for writing, or for reading if nothing is kept.
    """

    def __init__(self, ledger: Ledger, *, lane: str) -> None:
        self._ledger, self._lane = ledger, lane

    def find(self, identity: Mapping[str, Any]) -> dict[str, Any] | None:
        """The stored value of an identity (a JSON table), or None."""
        found = self._ledger.rows("SELECT value FROM points WHERE key = ?", self._key(identity))
        return dict(json.loads(found[0]["value"])) if found else None

    def keep(self, identity: Mapping[str, Any], value: Mapping[str, Any], *, kind: str, subject: str) -> None:
        """Store a value; a later one replaces an earlier one of the same identity.

        Args:
            identity: All that the value depends on.
            value: A JSON table.
            kind: The kind of result: `compiled`, `measured`, ...

        Raises:
            LedgerError: if the ledger cannot be written.
        """
        row = (self._key(identity), self._lane, kind, subject, _text(identity), _text(value), now())
        with self._ledger.writing() as connection:
            connection.execute(_KEEP, row)

    def rows(self, *, kind: str) -> Iterator[tuple[dict[str, Any], dict[str, Any], str]]:
        """Identity, value and time of all points of a kind, oldest first."""
        query = "SELECT identity, value, created_at FROM points WHERE lane = ? AND kind = ? ORDER BY created_at, key"
        for row in self._ledger.rows(query, self._lane, kind):
            yield json.loads(row["identity"]), json.loads(row["value"]), row["created_at"]

    def _key(self, identity: Mapping[str, Any]) -> str:
        return digest_json([self._lane, dict(identity)])


def _text(value: Mapping[str, Any]) -> str:
    return json.dumps(dict(value), allow_nan=False)
