"""Packed rows: the evaluations of a ledger up to version 11, packed as version 12 keeps them."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import zlib
from typing import Any

from harness.ledger.packing import Packer
from harness.ledger.row import dump
from harness.ledger.shapes import VIEWS, shape_rows

# What is equal in many evaluations is kept once: `shapes` (`harness.ledger.shapes`) has the rows of `components`,
# `gates` and `attempts`, which become views; a packed `record` is read with one of `dictionaries`
# (`harness.ledger.packing`).
# The key of a case is bytes, not hex digits, and the machine of an evaluation is that of its run.
PACKED = """
CREATE TABLE dictionaries (
    key BLOB PRIMARY KEY,
    kind TEXT NOT NULL,
    number INTEGER NOT NULL,
    text BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX dictionaries_kind ON dictionaries (kind, number);
CREATE TABLE shapes (
    shape BLOB NOT NULL,
    part INTEGER NOT NULL,
    position INTEGER NOT NULL,
    cells TEXT NOT NULL,
    PRIMARY KEY (shape, part, position)
) WITHOUT ROWID;
ALTER TABLE evaluations ADD COLUMN shape BLOB NOT NULL DEFAULT '';
ALTER TABLE evaluations ADD COLUMN numbers TEXT NOT NULL DEFAULT '[]';
"""
UNPACKED_BEFORE = """
DROP TABLE components;
DROP TABLE gates;
DROP TABLE attempts;
DROP TABLE case_exhibits;
DROP TABLE exhibits;
DROP INDEX evaluations_digest;
ALTER TABLE evaluations DROP COLUMN machine;
ALTER TABLE evaluations DROP COLUMN inputs_key;
ALTER TABLE sources DROP COLUMN created_at;
"""

MAX_BYTES = 256 << 10  # of one source
UPDATE = """
    UPDATE evaluations SET record = ?, case_key = ?, shape = ?, numbers = ?,
        score_low = nullif(score_low, score), score_high = nullif(score_high, score),
        median_low_ms = nullif(median_low_ms, median_ms), median_high_ms = nullif(median_high_ms, median_ms)
    WHERE rowid = ?"""


def pack_rows(connection: sqlite3.Connection) -> None:
    """Pack all evaluations, within the caller's transaction; the tables of their parts still exist."""
    packer, known = Packer(connection), set[bytes]()
    columns = "run_id, nodeid, lane, suite, digest, case_key, record"
    for (place,) in connection.execute("SELECT rowid FROM evaluations").fetchall():
        query = f"SELECT {columns} FROM evaluations WHERE rowid = ?"  # noqa: S608 - names are ours
        run_id, nodeid, lane, suite, digest, key, record = connection.execute(query, (place,)).fetchone()
        rows = [_part(connection, view, (run_id, nodeid)) for view in VIEWS]
        shape, numbers = shape_rows(connection, known, rows)
        text = _with_exhibits(connection, record).encode("utf-8", "backslashreplace")
        packed = packer.pack(text, f"{lane} {suite}", digest + numbers)
        connection.execute(UPDATE, (packed, bytes.fromhex(key), shape, numbers, place))
    for (digest,) in connection.execute("SELECT digest FROM sources WHERE text IS NOT NULL").fetchall():
        [text] = connection.execute("SELECT text FROM sources WHERE digest = ?", (digest,)).fetchone()
        with contextlib.suppress(zlib.error):
            data = zlib.decompressobj().decompress(text, MAX_BYTES)
            connection.execute("UPDATE sources SET text = ? WHERE digest = ?", (packer.pack(data, "source"), digest))


def _part(connection: sqlite3.Connection, view: str, of: tuple[str, str]) -> list[tuple[Any, ...]]:
    query = f"SELECT {', '.join(VIEWS[view])} FROM {view} WHERE run_id = ? AND nodeid = ? ORDER BY position"  # noqa: S608
    return [tuple(row) for row in connection.execute(query, of)]


def _with_exhibits(connection: sqlite3.Connection, record: str) -> str:
    """A record with the JSON of its exhibits, which had a table of their own; one that is not JSON stays as it is."""
    from harness.core.exhibit import inflate

    try:
        wire = json.loads(record)
        shown = wire["evidence"]["exhibits"]
        for exhibit in shown:
            found = connection.execute("SELECT data FROM exhibits WHERE digest = ?", (exhibit["digest"],)).fetchone()
            if found is not None:
                del exhibit["digest"], exhibit["data"]
                exhibit["text"] = inflate(found[0])
    except (ValueError, KeyError, TypeError, RecursionError):
        return record
    return dump(wire) if shown else record
