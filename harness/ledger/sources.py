"""Sources: what was judged, by digest, so that reports and differences do not depend on files that have moved on."""

from __future__ import annotations

import json
import sqlite3

from harness.ledger.packing import Packer
from harness.ledger.row import plain
from harness.ledger.store import Ledger

MAX_BYTES = 256 << 10  # of one source; of a larger one only digest and size are kept


def keep(connection: sqlite3.Connection, digest: str, text: str | bytes, *, kind: str = "") -> None:
    """Keep one source; one that is kept already is not changed.

    Args:
        connection: In a transaction (`Ledger.writing`).
        digest: Its identity, usually the hex SHA-256 of its bytes.
        text: The source; of more than `MAX_BYTES` only the size is kept.
        kind: Sources of one kind are alike, such as those in one folder.
    """
    data = text.encode("utf-8", "backslashreplace") if isinstance(text, str) else text
    kept = Packer(connection).pack(data, f"source {kind}") if len(data) <= MAX_BYTES else None
    connection.execute(
        "INSERT OR IGNORE INTO sources (digest, size, text) VALUES (?, ?, ?)", (plain(digest), len(data), kept)
    )


def unkept(connection: sqlite3.Connection, digests: set[str]) -> set[str]:
    """Those of some digests of which no source is kept."""
    query = "SELECT 1 FROM sources WHERE digest = ?"
    return {digest for digest in digests if connection.execute(query, (digest,)).fetchone() is None}


def read(ledger: Ledger, digest: str) -> str | None:
    """The source of a digest; None if it is not kept, or was too large. Bytes that are not UTF-8 become escapes."""
    found = ledger.rows("SELECT unpacked(text) AS text FROM sources WHERE digest = ?", digest)
    # A ledger may come from elsewhere: no more is returned than may be kept.
    return found[0]["text"][:MAX_BYTES] if found and found[0]["text"] is not None else None


def seen(ledger: Ledger, digests: set[str]) -> set[str]:
    """Those of some digests whose source was seen, also one that was too large to keep."""
    query = "SELECT digest FROM sources WHERE digest IN (SELECT value FROM json_each(?))"
    return {row["digest"] for row in ledger.rows(query, json.dumps(sorted(digests)), keep=False)}


def size(ledger: Ledger, digest: str) -> int | None:
    """The size in bytes of a source, also of one that was too large to keep; None if it was never seen."""
    found = ledger.rows("SELECT size FROM sources WHERE digest = ?", digest)
    return found[0]["size"] if found else None


def digest_of(ledger: Ledger, subject: str, *, parents: tuple[str, ...] = ()) -> str:
    """The digest under which the source of a subject is kept: its own, or that of the file it is a part of."""
    if size(ledger, subject) is None:
        for parent in parents:
            if size(ledger, parent) is not None:
                return parent
    return subject
