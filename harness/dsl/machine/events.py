"""External events for service loops: the lines of a file or of a socket connection.

A line is a JSON object with `event`, its name; all other keys are its fields. An invalid line becomes an
event named `invalid`, so that no line is lost and a program may handle it.
"""

from __future__ import annotations

import contextlib
import errno
import json
import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.core.errors import InfraError, UsageError
from harness.dsl.eventlog.canonical import normalize

if TYPE_CHECKING:
    import socket  # its import takes 3 ms, and most runs have no socket

MAX_LINE_BYTES = 1 << 20
INVALID = "invalid"

Event = tuple[str, dict[str, Any]]


class NoEvents:
    """A source without external events, for runs that have none."""

    def event(self, skip: int, seconds: float = math.inf) -> Event | None:
        """None: the events are at their end."""
        return None


class FileEvents:
    """The lines of a file, in order; its end is the end of the events.

    Args:
        path: JSON lines.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lines: Iterator[bytes] | None = None
        self._position = 0

    def event(self, skip: int, seconds: float = math.inf) -> Event | None:
        """The event after the first `skip` ones."""
        try:
            if self._lines is None or self._position != skip:
                self._lines, self._position = self._path.open("rb"), 0
                while self._position < skip and next(self._lines, None) is not None:
                    self._position += 1
            line = next(self._lines, None)
        except OSError as error:
            where = str(self._path)
            raise InfraError(f"events cannot be read: {error.strerror}", where=where, fix="--events FILE") from error
        if line is None:
            return None
        self._position += 1
        return parse_line(line)


class SocketEvents:
    """The lines of one connection to a listening socket; its end is the end of the events.

    A received event is in the log before it is handled, so a resumed run waits for the events after it.

    Args:
        address: `unix:PATH` or `tcp:HOST:PORT`.

    Raises:
        UsageError: if the address is invalid, or listening fails.
    """

    def __init__(self, address: str) -> None:
        import socket

        kind, _, rest = address.partition(":")
        self._path: Path | None = None
        try:
            if kind == "unix" and rest:
                self._server = _unix_server(Path(rest))
                self._path = Path(rest)
            elif kind == "tcp" and rest.rpartition(":")[2].isdigit():
                host, _, port = rest.rpartition(":")
                self._server = socket.create_server((host or "127.0.0.1", int(port)))
            else:
                raise UsageError(f"{address!r} is not an address", fix="unix:PATH or tcp:HOST:PORT")
            self._server.listen(1)
        except (OSError, OverflowError) as error:
            raise UsageError(f"cannot listen on {address}: {error}", fix="choose another address") from error
        self._received, self._at_end = bytearray(), False
        self._connection: socket.socket | None = None
        self._inode = self._path.stat().st_ino if self._path is not None else 0

    @property
    def port(self) -> int:
        """The bound port, for `tcp:HOST:0`."""
        return int(self._server.getsockname()[1])

    def event(self, skip: int, seconds: float = math.inf) -> Event | None:
        """Wait for the next event; None at the end of the connection.

        Raises:
            TimeoutError: if none comes within some seconds.
        """
        end = time.monotonic() + seconds
        if self._connection is None:
            self._server.settimeout(None if seconds == math.inf else max(seconds, 0.001))
            self._connection, _ = self._server.accept()
        while not (found := self._line()) and not self._at_end:
            left = end - time.monotonic()
            self._connection.settimeout(None if seconds == math.inf else max(left, 0.001))
            data = self._connection.recv(1 << 16)
            self._received += data
            self._at_end = not data
        return parse_line(found) if found else None

    def _line(self) -> bytes:
        """The next complete line, one that is too long, or at the end the rest; empty if there is none yet."""
        end = self._received.find(b"\n") + 1
        if not end and (self._at_end or len(self._received) > MAX_LINE_BYTES):
            end = len(self._received)
        line = bytes(self._received[:end])
        del self._received[:end]
        return line

    def close(self) -> None:
        """Close the socket. Safe to repeat."""
        for one in (self._connection, self._server):
            if one is not None:
                one.close()
        with contextlib.suppress(OSError):
            if self._path is not None and self._path.stat().st_ino == self._inode:
                self._path.unlink()


def _unix_server(path: Path) -> socket.socket:
    """A socket bound to a path; a socket there that no process listens on, left by a killed one, is replaced."""
    import socket

    server = socket.socket(socket.AF_UNIX)
    try:
        server.bind(str(path))
    except OSError as error:
        if error.errno != errno.EADDRINUSE or not path.is_socket():
            server.close()
            raise
        with socket.socket(socket.AF_UNIX) as client:
            if client.connect_ex(str(path)) != errno.ECONNREFUSED:
                server.close()
                raise
        path.unlink()
        server.bind(str(path))
    return server


def parse_line(line: bytes) -> Event:
    """Parse one line; an invalid line gives an `invalid` event with the reason."""
    if len(line) > MAX_LINE_BYTES:
        return INVALID, {"why": f"a line of more than {MAX_LINE_BYTES} bytes"}
    try:
        record = normalize(json.loads(line))
    except (ValueError, RecursionError) as error:
        return INVALID, {"why": str(error)[:200], "line": line.decode("utf-8", "replace").strip()[:200]}
    if not isinstance(record, dict) or not isinstance(record.get("event"), str):
        return INVALID, {"why": "no object with an `event`", "line": line.decode("utf-8", "replace").strip()[:200]}
    return record.pop("event"), record


def event_source(text: str) -> NoEvents | FileEvents | SocketEvents:
    """The event source that a string names: empty, a file, or an address."""
    if not text:
        return NoEvents()
    if text.startswith(("unix:", "tcp:")):
        return SocketEvents(text)
    path = Path(text)
    if not path.is_file():
        raise UsageError(f"{text} does not exist", where="--events", fix="name a file of JSON lines, or unix:PATH")
    return FileEvents(path)
