"""Point store: what a sweep found out, one row for each configuration, kept so that a sweep that was stopped goes on.

A SQLite file of its own (default `reports/sweeps.db`). A row's key is a digest of everything it depends on: the
kernel's text, the definition, the size, the configuration, the compiler and, for a measurement, the device. A row that
is there is never computed again; a changed kernel has other keys, and its old rows stay as history.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from harness.core.digest import digest_json
from harness.core.errors import LedgerError

VERSION = 1
_SCHEMA = """
CREATE TABLE IF NOT EXISTS points (
    key TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('compiled', 'measured', 'benchmarked')),
    operation TEXT NOT NULL,
    kernel TEXT NOT NULL,
    identity TEXT NOT NULL CHECK (json_valid(identity)),
    value TEXT NOT NULL CHECK (json_valid(value)),
    at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS points_by_kernel ON points (operation, kernel, kind);
"""


_KEEP = "INSERT OR REPLACE INTO points (key, kind, operation, kernel, identity, value) VALUES (?, ?, ?, ?, ?, ?)"


class PointStore:
    """Rows by key. Several processes may write to one file; each row is written whole or not at all."""

    def __init__(self, path: Path) -> None:
        """Open or create it.

        Raises:
            LedgerError: if the file is none of ours or cannot be written.
        """
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(path, timeout=30, isolation_level=None)
            found: int = self._connection.execute("PRAGMA user_version").fetchone()[0]
            others = "SELECT count(*) FROM sqlite_master WHERE tbl_name <> 'points'"
            if found > VERSION or (found == 0 and self._connection.execute(others).fetchone()[0]):
                self._connection.close()
                raise LedgerError(
                    "it is no store of sweep points", where=str(path), fix="name another file with --points"
                )
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.executescript(_SCHEMA)
            self._connection.execute(f"PRAGMA user_version = {VERSION}")
        except (sqlite3.Error, OSError) as error:
            fix = "name another file with --points"
            raise LedgerError(f"it cannot be opened: {error}", where=str(path), fix=fix) from error

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def find(self, identity: dict[str, Any]) -> dict[str, Any] | None:
        """What is known of an identity, if anything."""
        with self._reported():
            row = self._connection.execute(
                "SELECT value FROM points WHERE key = ?", (digest_json(identity),)
            ).fetchone()
        return None if row is None else dict(json.loads(row[0]))

    def keep(self, identity: dict[str, Any], value: dict[str, Any], *, kind: str, operation: str, kernel: str) -> None:
        """Keep what was found; a later value replaces an earlier one of the same identity."""
        row = (digest_json(identity), kind, operation, kernel, json.dumps(identity), json.dumps(value))
        with self._reported():
            self._connection.execute(
                _KEEP,
                row,
            )

    def rows(self, *, kind: str, operation: str = "") -> Iterator[tuple[dict[str, Any], dict[str, Any], str]]:
        """Identity, value and time of all rows of a kind, oldest first."""
        with self._reported():
            found = self._connection.execute(
                "SELECT identity, value, at FROM points WHERE kind = ? AND (? = '' OR operation = ?) ORDER BY at, key",
                (kind, operation, operation),
            ).fetchall()
        for identity, value, at in found:
            yield json.loads(identity), json.loads(value), at

    @contextmanager
    def _reported(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise LedgerError(f"the store of sweep points failed: {error}", where=str(self.path)) from error
