"""Blobs: large values, stored once under the hash of their bytes."""

from __future__ import annotations

import sqlite3

from harness.dsl.eventlog.chain import blob_address

MAX_INLINE_BYTES = 1024  # values of at most this many bytes stay inside their event
MAX_BLOB_BYTES = 64 << 20  # maximum size of one value


class Blobs:
    """Content-addressed values of one log file, written in the transaction of the first event that names them."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._known: set[bytes] = set()
        self._fresh: list[tuple[bytes, int, bytes]] = []

    def put(self, data: bytes) -> bytes:
        """Store bytes and return their address; they are in the file after the next `write`."""
        name = blob_address(data)
        if name not in self._known:
            self._known.add(name)
            import zlib

            packed = zlib.compress(data, 1)
            self._fresh.append((name, len(data), packed if len(packed) < len(data) else data))
        return name

    @property
    def has_waiting(self) -> bool:
        """Whether blobs wait to be written."""
        return bool(self._fresh)

    def write(self) -> None:
        """Write the new blobs; the caller holds the transaction."""
        if self._fresh:
            self._connection.executemany("INSERT OR IGNORE INTO blobs VALUES (?, ?, ?)", self._fresh)

    def clear_written(self) -> None:
        """Forget the written blobs, after the transaction was committed."""
        self._fresh.clear()

    def get(self, name: bytes) -> bytes:
        """Return the bytes of an address.

        Raises:
            KeyError: if there is no such blob.
            ValueError: if they are damaged.
        """
        for fresh, _size, data in self._fresh:
            if fresh == name:
                return _unpacked(data, _size, name)
        row = self._connection.execute(
            "SELECT size, CAST(data AS BLOB) FROM blobs WHERE address = ?", (name,)
        ).fetchone()
        if row is None:
            raise KeyError(name.hex())
        self._known.add(name)
        return _unpacked(row[1], row[0], name)

    def all(self) -> dict[str, int]:
        """Size of every blob by its address in hex, in the order of the addresses."""
        rows = self._connection.execute("SELECT address, size FROM blobs ORDER BY address")
        return {name.hex(): size for name, size in rows}


def _unpacked(data: bytes, size: int, name: bytes) -> bytes:
    if size > MAX_BLOB_BYTES:
        raise ValueError(f"blob {name.hex()} claims {size} bytes")
    if len(data) != size:
        import zlib

        unpacker = zlib.decompressobj()
        try:
            data = unpacker.decompress(data, size + 1)
        except zlib.error as error:
            raise ValueError(f"blob {name.hex()} is damaged: {error}") from error
    if len(data) != size or blob_address(data) != name:
        raise ValueError(f"blob {name.hex()} is damaged: its hash differs")
    return data
