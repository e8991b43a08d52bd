"""Tables: the schema of a log file."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from harness.dsl.eventlog.durability import Durability
from harness.dsl.eventlog.fault import LogError, translate_error

APPLICATION_ID = 0x4353504B
VERSION = 2
SHIFT = 40  # an event's row id is `run << SHIFT | seq`: one index for both, and the rows of a run are adjacent

# Rowid tables: WITHOUT ROWID needs an overflow page for each body larger than a quarter page.
_LAYOUT = """
CREATE TABLE runs (
    run INTEGER PRIMARY KEY, name TEXT NOT NULL, genesis BLOB NOT NULL, settings TEXT NOT NULL,
    parent INTEGER, parent_seq INTEGER, parent_head BLOB, status TEXT NOT NULL, created REAL NOT NULL
);
CREATE TABLE events (id INTEGER PRIMARY KEY, body BLOB NOT NULL, hash BLOB NOT NULL, wall REAL);
CREATE TABLE snapshots (run INTEGER PRIMARY KEY, seq INTEGER NOT NULL, head BLOB NOT NULL, state BLOB NOT NULL);
CREATE TABLE blobs (address BLOB PRIMARY KEY, size INTEGER NOT NULL, data BLOB NOT NULL);
"""
_FILES = "CREATE TABLE files (id INTEGER PRIMARY KEY, changed TEXT NOT NULL);"
"""Work files that changed with the event of the same id; since version 2."""


def connect(path: Path, durability: Durability, *, read_only: bool = False) -> sqlite3.Connection:
    """Connect to a log file; create it if it does not exist and may be written.

    Raises:
        LogError: if it does not exist and is read only, is not an event log, has a newer version, or is damaged.
    """
    where = str(path)
    if durability is Durability.MEMORY and not read_only:
        connection = sqlite3.connect(":memory:", isolation_level=None, cached_statements=32, check_same_thread=False)
    else:
        if read_only and not path.is_file():
            raise LogError("the event log does not exist", where=where, fix="`crucible dsl runs` lists them")
        mode = "ro" if read_only else "rwc"
        if read_only and _is_immutable(path):
            mode += "&immutable=1"  # no process can write here, and SQLite could not create its index
        try:
            connection = sqlite3.connect(
                f"{path.absolute().as_uri()}?mode={mode}",
                uri=True,
                timeout=5,
                isolation_level=None,
                cached_statements=32,
                check_same_thread=False,
            )
        except sqlite3.Error as error:
            raise translate_error(error, path) from error
    try:
        _prepare(connection, where, read_only=read_only)
    except sqlite3.Error as error:
        connection.close()
        raise translate_error(error, path) from error
    except LogError:
        connection.close()
        raise
    return connection


def _is_immutable(path: Path) -> bool:
    """Whether a log is in a read-only folder and has no write-ahead log that is still needed."""
    wal = path.with_name(path.name + "-wal")
    try:
        return not os.access(path.parent, os.W_OK) and not (wal.exists() and wal.stat().st_size)
    except OSError:
        return False


def _prepare(connection: sqlite3.Connection, where: str, *, read_only: bool) -> None:
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if application != APPLICATION_ID and connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        fix = "name the log that `crucible dsl run` printed"
        raise LogError("this SQLite database is not an event log", where=where, fix=fix)
    if version > VERSION:
        fix = "install a newer version"
        raise LogError(f"the log is of version {version}, this program reads {VERSION}", where=where, fix=fix)
    if read_only:
        if application != APPLICATION_ID:
            raise LogError("the log is empty", where=where, fix="run the program again")
        return
    if application != APPLICATION_ID:
        # Settings of a new file must precede its first page; the schema is created in one transaction.
        connection.execute("PRAGMA synchronous = NORMAL")  # the file holds no data yet
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(
            f"BEGIN IMMEDIATE; {_LAYOUT} {_FILES} PRAGMA application_id = {APPLICATION_ID};"
            f"PRAGMA user_version = {VERSION}; COMMIT;"
        )
    else:
        connection.execute("PRAGMA journal_mode = WAL")
        if version < VERSION:
            connection.executescript(f"BEGIN IMMEDIATE; {_FILES} PRAGMA user_version = {VERSION}; COMMIT;")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute(f"PRAGMA journal_size_limit = {8 << 20}")
