"""Store: measured points, kept as soon as they are measured, so that an interrupted search goes on."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from harness.core.digest import digest_json
from harness.core.errors import InfraError
from harness.sweep.measurement import Measurement
from harness.sweep.space import Point

APPLICATION_ID = 0x43535750
VERSION = 1


class Store(Protocol):
    """Where a search keeps what it measured. Called from one thread."""

    def get(self, point: Point, rung: int) -> Measurement | None:
        """What a point came to at a rung, if that is known."""
        ...

    def put(self, point: Point, rung: int, measurement: Measurement) -> None:
        """Keep it; it is durable when this returns."""
        ...


class Memory:
    """A store that lasts as long as the process."""

    def __init__(self) -> None:
        self._found: dict[tuple[int, int], Measurement] = {}

    def get(self, point: Point, rung: int) -> Measurement | None:
        """See `Store`."""
        return self._found.get((point.index, rung))

    def put(self, point: Point, rung: int, measurement: Measurement) -> None:
        """See `Store`."""
        self._found[point.index, rung] = measurement


class PointFile:
    """Points of any number of searches in one SQLite file.

    A point is known by its values, the rung and the digest of everything else its measurement depends on, so a search
    over a larger space finds what a smaller one measured, and a changed subject finds nothing.

    Args:
        path: The file; made if it is not there.
        basis: JSON value of what a measurement depends on beside the point: subject, machine, settings.

    Raises:
        InfraError: if the file cannot be used.
    """

    def __init__(self, path: Path, *, basis: object) -> None:
        self._path, self._basis = path, digest_json(basis)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(path, isolation_level=None, timeout=30)
            self._prepare()
        except (OSError, sqlite3.Error) as error:
            raise self._unusable(error) from error

    def _prepare(self) -> None:
        application = self._connection.execute("PRAGMA application_id").fetchone()[0]
        version = self._connection.execute("PRAGMA user_version").fetchone()[0]
        objects = self._connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if (application != APPLICATION_ID and objects) or version > VERSION:
            raise InfraError(
                "this file holds no points that this version can read",
                where=str(self._path),
                fix="name another file",
            )
        self._connection.executescript(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; BEGIN IMMEDIATE;"
            "CREATE TABLE IF NOT EXISTS points (key TEXT PRIMARY KEY, point TEXT NOT NULL, rung INTEGER NOT NULL,"
            " basis TEXT NOT NULL, status TEXT NOT NULL, value REAL, record TEXT NOT NULL) WITHOUT ROWID;"
            f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {VERSION}; COMMIT;"
        )

    def get(self, point: Point, rung: int) -> Measurement | None:
        """See `Store`."""
        row = self._run("SELECT record FROM points WHERE key = ?", (self._key(point, rung),)).fetchone()
        return None if row is None else Measurement.model_validate_json(row[0])

    def put(self, point: Point, rung: int, measurement: Measurement) -> None:
        """See `Store`."""
        self._run(
            "INSERT OR REPLACE INTO points VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                self._key(point, rung),
                json.dumps(dict(point.values), sort_keys=True),
                rung,
                self._basis,
                measurement.status,
                measurement.value,
                measurement.model_dump_json(),
            ),
        )

    def _key(self, point: Point, rung: int) -> str:
        return digest_json([dict(point.values), rung, self._basis])

    def _run(self, query: str, values: tuple[object, ...]) -> sqlite3.Cursor:
        try:
            return self._connection.execute(query, values)
        except sqlite3.Error as error:
            raise self._unusable(error) from error

    def _unusable(self, error: Exception) -> InfraError:
        return InfraError(
            f"measured points cannot be kept: {error}", where=str(self._path), fix="free the file, or name another"
        )

    def close(self) -> None:
        """Let go of the file. Safe to repeat."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
