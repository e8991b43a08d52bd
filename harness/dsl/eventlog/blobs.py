"""Blobs: large values, kept once under the hash of their bytes."""

from __future__ import annotations

import sqlite3

from harness.dsl.eventlog.chain import blob_address

MAX_INLINE_BYTES = 1024
"""Bytes up to which a value stays inside its event."""
MAX_BLOB_BYTES = 64 << 20
"""Bytes of one value; larger ones are an error of the program."""


class Blobs:
    """Content-addressed values of one log file; written in the transaction of the event that names them first."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._known: set[bytes] = set()
        self._fresh: list[tuple[bytes, int, bytes]] = []

    def put(self, data: bytes) -> bytes:
        """Keep some bytes; their address. They are in the file after the next `write`."""
        name = blob_address(data)
        if name not in self._known:
            self._known.add(name)
            import zlib

            packed = zlib.compress(data, 1)
            self._fresh.append((name, len(data), packed if len(packed) < len(data) else data))
        return name

    @property
    def waiting(self) -> bool:
        """Whether something is to be written."""
        return bool(self._fresh)

    def write(self) -> None:
        """Write what is new; the caller holds the transaction."""
        if self._fresh:
            self._connection.executemany("INSERT OR IGNORE INTO blobs VALUES (?, ?, ?)", self._fresh)

    def written(self) -> None:
        """The transaction was committed."""
        self._fresh.clear()

    def get(self, name: bytes) -> bytes:
        """The bytes of an address.

        Raises:
            KeyError: if there are none.
            ValueError: if they are not what was put.
        """
        for fresh, _size, data in self._fresh:
            if fresh == name:
                return _unpacked(data, _size, name)
        row = self._connection.execute("SELECT size, data FROM blobs WHERE address = ?", (name,)).fetchone()
        if row is None:
            raise KeyError(name.hex())
        self._known.add(name)
        return _unpacked(row[1], row[0], name)

    def all(self) -> dict[str, int]:
        """Address (hex) and size of every blob, by address."""
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
        raise ValueError(f"blob {name.hex()} is not what was written")
    return data
