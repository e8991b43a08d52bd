"""RootZygote: the handle on the process that imports PyTorch and Triton for all processes of a run (see `root`)."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from harness.core.closing import Closing
from harness.lane.json_worker import MainCall, interpreter_command, last_line

LOCK, SOCKET = "lock", "socket"
MAX_REQUEST = 1 << 16  # bytes
STREAMS = 3  # standard input, output and error
_END_SECONDS = 20.0
"""A root that does not end a process within this time is killed, with all that it forked."""
_started: set[int] = set()
"""The roots that this process started and has not reaped."""


class RootZygote:
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

    def hold(self) -> RootConnection:
        """Start the root, if there is none, and keep it until the connection is closed; does not wait for it.

        Raises:
            OSError: if it cannot be started.
        """
        return RootConnection(*self._connect())

    def fork(self, call: MainCall, errors: BinaryIO) -> ForkedProcess:
        """Have a process forked that calls `main` of one of `root.MODULES`; a `Starter`.

        It does not wait for the root, which may still be importing.

        Raises:
            OSError: if there is no root and none can be started.
        """
        given = {
            "module": call.module,
            "arguments": call.arguments,
            "folder": str(call.folder),
            "environment": dict(call.environment or {}),
        }
        connection, root = self._connect()
        (reading, requests), (answers, writing) = os.pipe(), os.pipe()
        process = ForkedProcess(connection, root, requests, answers)
        try:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # reading the answers finds that it ended
                socket.send_fds(connection, [json.dumps(given).encode()], [reading, writing, errors.fileno()])
        finally:
            os.close(reading)
            os.close(writing)
        return process

    def _connect(self) -> tuple[socket.socket, int]:
        """A connection to the root, and its process id, which is valid until the root closes the other end."""
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
                return connection, int((self._folder / "pid").read_text())
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
    """A connection to a root, which lives at least as long; with `fork` it is a process, and ends it."""

    def __init__(self, connection: socket.socket, root: int) -> None:
        self._connection, self._root = connection, root
        self._said: dict[str, Any] = {}
        self._poll = select.poll()
        self._poll.register(connection, select.POLLIN)

    def wait(self, timeout: float) -> int:
        """The exit status of the process; that of SIGKILL if there is none, or if the root ended.

        Raises:
            subprocess.TimeoutExpired: if it still runs after `timeout` seconds.
        """
        deadline = time.monotonic() + timeout
        while "code" not in self._said:
            if not self._receive(max(0.0, deadline - time.monotonic())):
                raise subprocess.TimeoutExpired("a process of the kernel lane", timeout)
        return int(self._said["code"])

    def close(self) -> None:
        """Have the process killed, with its group, and wait for its end; a root that does not answer is killed."""
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_WR)
        try:
            self.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            os.kill(self._root, signal.SIGKILL)
            self.wait(_END_SECONDS)
        finally:
            self._connection.close()

    def _receive(self, timeout: float | None) -> bool:
        """Read what the root reports next; False if it reports nothing in time."""
        if not self._poll.poll(None if timeout is None else timeout * 1000):
            return False
        try:
            message = self._connection.recv(MAX_REQUEST)
        except ConnectionResetError:
            message = b""
        self._said |= json.loads(message) if message else {"code": -signal.SIGKILL, "is_last": True}
        if self._said.get("is_last") and self._root in _started:
            _started.discard(self._root)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(self._root, 0)
        return True


class ForkedProcess(RootConnection):
    """A child of a root.

    Args:
        connection: The connection to the root, for this process only.
        root: The process id of the root.
        requests: The descriptor to which requests are written.
        answers: The descriptor from which answers are read.
    """

    def __init__(self, connection: socket.socket, root: int, requests: int, answers: int) -> None:
        super().__init__(connection, root)
        self.stdin, self.stdout = os.fdopen(requests, "wb", buffering=0), os.fdopen(answers, "rb", buffering=0)
        self.end = self.close

    @property
    def pid(self) -> int:
        """Its process id; waits for it to be forked.

        Raises:
            ProcessLookupError: if the root ended before.
        """
        while not self._said:
            self._receive(None)
        if "pid" not in self._said:
            raise ProcessLookupError("the root of the kernel lane ended")
        return int(self._said["pid"])
