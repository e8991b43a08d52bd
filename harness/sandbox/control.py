"""Control: the parent's end of the socket to a process that forks others on request: a root zygote, or a zygote."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import struct
from dataclasses import dataclass
from typing import Any

from harness.core.errors import InfraError, ProcessEndedError
from harness.sandbox.usage import ExitStatus
from harness.sandbox.wire import REPLY, REQUEST

SECONDS = 20.0
"""Time limit of a reply."""


@dataclass(frozen=True, slots=True)
class ChildProcess:
    """A forked process, as reported by the one that forked it; `pidfd` is -1 where the system has none."""

    pid: int
    pidfd: int


class Control:
    """Sends requests and reads their replies, in order.

    Attributes:
        is_last: Whether the process has reaped its last child and ends.
    """

    def __init__(self, ours: socket.socket) -> None:
        ours.settimeout(SECONDS)
        self._socket = ours
        self._poll = select.poll()
        self._poll.register(ours, select.POLLIN)
        self._waiting = False
        self.is_last = False

    @property
    def is_usable(self) -> bool:
        """Whether the process is running and has no unread reply.

        An exception between a request and its reply (Ctrl-C, a timeout plugin) leaves the reply unread; every later
        reply would then be assigned to the wrong request.
        """
        # Without a request the socket becomes readable only when its other end is closed.
        return not self._waiting and not self.is_last and not self._poll.poll(0)

    def fork(self, request: bytes, fds: tuple[int, ...]) -> ChildProcess:
        """Request a child that gets the descriptors.

        Raises:
            InfraError: if the process has ended, has an unread reply, or cannot fork.
        """
        self._send(request, fds)
        return self._forked()

    def _forked(self) -> ChildProcess:
        (op, pid, *_), received = self._reply()
        if op != b"o":
            self.is_last = op == b"l"
            raise InfraError(f"a process cannot be forked: {os.strerror(pid) if op == b'e' else 'its parent ends'}")
        return ChildProcess(pid, received[0] if received else -1)

    def kill(self, child: ChildProcess) -> None:
        """Kill a child; of a box, every process in its process namespace ends. Idempotent."""
        if child.pidfd >= 0:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(child.pidfd, signal.SIGKILL)
            return
        # Only the process that reaps the child can be sure that the pid still belongs to it.
        with contextlib.suppress(OSError):
            self._socket.send(REQUEST.pack(b"K", True, 0, 0, child.pid))

    def reap(self, child: ChildProcess) -> ExitStatus:
        """Wait for a child that was killed or has ended, and reap it.

        Raises:
            InfraError: if the process does not answer.
        """
        if child.pidfd >= 0:
            os.close(child.pidfd)
        self._send(REQUEST.pack(b"R", True, 0, 0, child.pid))
        (op, pid, status, cpu, resident), _fds = self._reply()
        if op not in (b"r", b"l") or pid != child.pid:
            self._waiting = True
            raise InfraError("another process was reaped than requested")
        self.is_last = op == b"l"
        return ExitStatus(status, cpu, resident)

    def _send(self, request: bytes, fds: tuple[int, ...] = ()) -> None:
        if self._waiting:
            raise InfraError("the zygote has an unread reply: an earlier request was interrupted")
        self._waiting = True
        try:
            if fds:
                socket.send_fds(self._socket, [request], fds)
            else:
                self._socket.sendall(request)
        except OSError as error:
            raise ProcessEndedError(f"the zygote cannot be reached: {error}") from error

    def _reply(self) -> tuple[tuple[Any, ...], list[int]]:
        try:
            data, received, _flags, _address = socket.recv_fds(self._socket, REPLY.size, 1)
        except OSError as error:
            raise ProcessEndedError(f"the zygote cannot be reached: {error}") from error
        if len(data) < REPLY.size:
            raise ProcessEndedError("the zygote has ended")
        self._waiting = False
        return REPLY.unpack(data), received

    def send_json(self, value: object) -> None:
        """Send a message of any length; raises OSError if the process has ended."""
        message = json.dumps(value).encode()
        self._socket.sendall(struct.pack("<I", len(message)) + message)

    def receive_json(self) -> dict[str, Any]:
        """Receive a message; raises OSError if the process has ended."""
        length = struct.unpack("<I", self._receive_exactly(4))[0]
        message: dict[str, Any] = json.loads(self._receive_exactly(length))
        return message

    def _receive_exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            part = self._socket.recv(count - len(data))
            if not part:
                raise ConnectionResetError("the zygote closed the connection")
            data += part
        return data

    def hang_up(self) -> None:
        """Close the socket; the process kills its children and ends."""
        self._socket.close()
