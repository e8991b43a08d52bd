"""Packing: JSON and sources as small blobs, deflated with a dictionary: an earlier one of the same kind.

A blob is the key of its dictionary and raw deflate data. Dictionaries are known by their content, so blobs and
dictionaries are copied between ledgers as they are.
"""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Callable

from harness.core.digest import digest_bytes

KEY = 16  # bytes of a dictionary's key
WINDOW = 32 << 10  # bytes that deflate looks back
LEVEL = 9
POOR = 0.25  # share of a string above which it becomes the dictionary of later ones, as the first one does
MAX_DICTIONARIES = 8  # of one kind: where texts have little in common, more of them save nothing
MAX_TEXT = 64 << 20  # bytes that are inflated: a ledger may come from elsewhere


class Packer:
    """Packs texts within one transaction.

    Args:
        connection: In a transaction.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._latest: dict[str, tuple[bytes, bytes]] = {}

    def pack(self, text: bytes, kind: str, context: str = "") -> bytes:
        """Pack a string.

        Args:
            kind: Texts of one kind are alike, such as the records of one suite.
            context: Strings that the reader knows and that the text may contain.
        """
        key, dictionary = self._latest.get(kind) or self._stored(kind)
        packed = _deflate(text, dictionary, context)
        if not dictionary or len(packed) > POOR * len(text):
            self._keep(kind, text[-WINDOW:])
        return key + packed

    def _stored(self, kind: str) -> tuple[bytes, bytes]:
        found = self._connection.execute(
            "SELECT key, text FROM dictionaries WHERE kind = ? ORDER BY number DESC LIMIT 1", (kind,)
        ).fetchone()
        self._latest[kind] = (bytes(KEY), b"") if found is None else (found[0], zlib.decompress(found[1]))
        return self._latest[kind]

    def _keep(self, kind: str, dictionary: bytes) -> None:
        [[number]] = self._connection.execute("SELECT count(*) FROM dictionaries WHERE kind = ?", (kind,)).fetchall()
        if number < MAX_DICTIONARIES:
            key = _key(dictionary)
            self._connection.execute(
                "INSERT OR IGNORE INTO dictionaries (key, kind, number, text) VALUES (?, ?, ?, ?)",
                (key, kind, number, zlib.compress(dictionary, LEVEL)),
            )
            self._latest[kind] = key, dictionary


def reader(connection: sqlite3.Connection) -> Callable[[bytes | str | None, str, str], str | None]:
    """The SQL function `unpacked(blob, ...context)` of a connection; text that is not packed is returned as it is."""
    known: dict[bytes, bytes] = {bytes(KEY): b""}

    def unpacked(blob: bytes | str | None, *context: str | None) -> str | None:
        if not isinstance(blob, bytes):
            return blob
        key = blob[:KEY]
        if key not in known:
            found = connection.execute("SELECT text FROM dictionaries WHERE key = ?", (key,)).fetchone()
            if found is None:
                return None
            known[key] = _dictionary(found[0])
        try:
            inflated = zlib.decompressobj(-15, zdict=_before(known[key], "".join(part or "" for part in context)))
            return inflated.decompress(blob[KEY:], MAX_TEXT).decode("utf-8", "backslashreplace")
        except zlib.error:
            return None

    return unpacked


def dictionary_key(stored: bytes) -> bytes:
    """The key of a dictionary as it is stored; empty if it is not one."""
    try:
        return _key(_dictionary(stored))
    except (zlib.error, TypeError):
        return b""


def _dictionary(stored: bytes) -> bytes:
    return zlib.decompressobj().decompress(stored, WINDOW)


def _key(dictionary: bytes) -> bytes:
    return bytes.fromhex(digest_bytes(dictionary))[:KEY]


def _before(dictionary: bytes, context: str) -> bytes:
    return (dictionary + context.encode())[-WINDOW:]


def _deflate(text: bytes, dictionary: bytes, context: str) -> bytes:
    deflating = zlib.compressobj(LEVEL, zlib.DEFLATED, -15, 9, zdict=_before(dictionary, context))
    return deflating.compress(text) + deflating.flush()
