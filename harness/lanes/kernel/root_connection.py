"""Root connection: the handle on the process that imports PyTorch and Triton for a run (see `root`)."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.core.closing import Closing
from harness.lane.json_worker import interpreter_command, last_line

LOCK, SOCKET = "lock", "socket"
MAX_MESSAGE = 1 << 16  # bytes
_END_SECONDS = 20.0
"""A root that does not end a process within this time is killed, with all that it forked."""
_started: set[int] = set()
"""The roots that this process started and has not reaped."""


class Root:
    """The root of all processes that share a folder; the first one that needs it starts it.

    Args:
        folder: A private folder, which exists until the last process is closed.
        environment: The environment variables of the root.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder, self._environment = folder, dict(environment)
        self.recordings = folder / "recordings"
        """Where the processes that share the root keep what was recorded."""

    @property
    def last_error(self) -> str:
        """The last line of its standard error; empty if there is none."""
        return last_line(self._folder / "stderr")

    def connect(self) -> RootConnection:
        """Start the root, if there is none, and keep it until the connection is closed; does not wait for its imports.

        Raises:
            OSError: if it cannot be started.
        """
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        place = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        address = f"/proc/self/fd/{place}/{SOCKET}"  # the address of a socket has at most 107 bytes
        try:
            with self._locked():
                try:
                    connection.connect(address)
                except (FileNotFoundError, ConnectionRefusedError):
                    self._start(address)
                    connection.connect(address)
                return RootConnection(connection, int((self._folder / "pid").read_text()))
        except BaseException:
            connection.close()
            raise
        finally:
            os.close(place)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        held = os.open(self._folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(held, fcntl.LOCK_EX)
            yield
        finally:
            os.close(held)

    def _start(self, address: str) -> None:
        (self._folder / SOCKET).unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
            listener.bind(address)
            listener.listen(socket.SOMAXCONN)
            log = str(self._folder / "stderr"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600
            # Not `Popen`: it may outlive this process, and is reaped only by the process that closes the last one.
            root = os.posix_spawn(
                sys.executable,
                interpreter_command("harness.lanes.kernel.root", (str(self._folder),)),
                self._environment,
                file_actions=[
                    (os.POSIX_SPAWN_DUP2, listener.fileno(), 0),
                    (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
                    (os.POSIX_SPAWN_OPEN, 2, *log),
                ],
                setsid=True,
            )
        _started.add(root)
        (self._folder / "pid").write_text(str(root))


class RootConnection(Closing):
    """A connection to a root, which lives at least as long; after `fork` it is a process, and ends it.

    Args:
        root: The process id of the root, which is valid until the root closes the other end.
    """

    def __init__(self, connection: socket.socket, root: int) -> None:
        self._connection, self._root = connection, root
        self._reports: dict[str, Any] = {}
        self._poll = select.poll()
        self._poll.register(connection, select.POLLIN)

    def fileno(self) -> int:
        """The descriptor that can be read when the root reports something."""
        return self._connection.fileno()

    def fork(self, call: Mapping[str, Any], streams: Sequence[int]) -> None:
        """Have a process forked; see `job_process.become`."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # waiting finds that the root ended
            socket.send_fds(self._connection, [json.dumps(call).encode()], streams)

    def wait(self, key: str, seconds: float) -> dict[str, Any]:
        """What the root reported, as soon as it reported `key` (`started` or `code`) or ended, or the time is over."""
        deadline = time.monotonic() + seconds
        while not {key, "code", "lost"} & self._reports.keys():
            if not self._poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
                break
            self._receive()
        return self._reports

    def end(self) -> dict[str, Any]:
        """Have the process killed, with its group, and wait for its end; a root that does not answer is killed.

        Returns:
            What the root reported: `code`, the exit status, `cpu_ms` and `peak_mb`; `lost` if it ended before.
        """
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_WR)
        if not {"code", "lost"} & self.wait("code", _END_SECONDS).keys():
            os.kill(self._root, signal.SIGKILL)
        return self.wait("code", _END_SECONDS)

    def close(self) -> None:
        """End the process, if there is one, and no longer keep the root."""
        self.end()
        self._connection.close()

    def _receive(self) -> None:
        try:
            message = self._connection.recv(MAX_MESSAGE)
        except ConnectionResetError:
            message = b""
        self._reports |= json.loads(message) if message else {"lost": True, "is_last": True}
        if self._reports.get("is_last") and self._root in _started:
            _started.discard(self._root)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(self._root, 0)
