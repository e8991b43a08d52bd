"""Root: the process that imports PyTorch and Triton once for a run, and forks a process for each job.

It runs no Python of a candidate and reads no request: those go through a descriptor from a worker to the child. Each
connection to its socket is one process, which ends with the connection, with all that it started; one that asks for
nothing keeps the root. The root ends with the last one.
"""

from __future__ import annotations

import contextlib
import fcntl
import gc
import json
import os
import select
import signal
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.lanes.kernel.huge_pages import use_huge_pages
from harness.lanes.kernel.job_process import STREAMS, become, resident_mb
from harness.lanes.kernel.plan_worker import prepare
from harness.lanes.kernel.root_connection import LOCK, MAX_MESSAGE
from harness.sandbox.syscalls import prctl

_LOOK = 0.25  # seconds between two looks, during the imports, at whether anything still waits for them
_MANY = 16  # forks after which it is worth making more of them cheaper, as each saves 6 to 15 ms of CPU time
_SUBREAPER = 36  # makes this process the parent of what a job leaves


def main(folder: str) -> None:
    """Fork processes until no connection is left.

    Args:
        folder: That of the `Root`. The listening socket is standard input.
    """
    listener = socket.socket(fileno=os.dup(0))
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.chdir(folder)
    prctl(_SUBREAPER, 1)
    root = _Root(listener, Path(folder, LOCK))
    with root.looking():
        prepare()
    gc.freeze()  # a collection in a child would visit, and so copy, the objects of all modules
    root.run()


@dataclass(slots=True)
class _Child:
    pid: int
    ended: int
    """Its pidfd."""
    connection: socket.socket
    resident_mb: float
    """Its memory at the start."""


class _Root:
    def __init__(self, listener: socket.socket, lock: Path) -> None:
        self._listener, self._lock = listener, lock
        listener.setblocking(False)
        self._poll = select.poll()
        self._poll.register(listener, select.POLLIN)
        self._waiting: dict[int, socket.socket] = {}  # connections that were not served yet
        self._children: dict[int, _Child] = {}  # by pidfd and by connection
        self._forks = 0

    @contextlib.contextmanager
    def looking(self) -> Iterator[None]:
        """End this process as soon as nothing waits for it."""
        signal.signal(signal.SIGALRM, lambda *_: self._look())
        signal.setitimer(signal.ITIMER_REAL, _LOOK, _LOOK)
        yield
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)

    def _look(self) -> None:
        self._accept()
        for descriptor, event in self._poll.poll(0):
            if descriptor in self._waiting and event & select.POLLRDHUP and self._drop(descriptor):
                os._exit(0)
        if not self._waiting and self._may_end():
            os._exit(0)

    def run(self) -> None:
        while self._waiting or self._children or not self._may_end():
            for descriptor, _event in self._poll.poll():
                if descriptor == self._listener.fileno():
                    self._accept()
                elif descriptor in self._waiting:
                    if self._serve(descriptor):
                        return
                elif (child := self._children.get(descriptor)) is None:
                    continue  # reaped in this round
                elif descriptor != child.ended:  # its connection was shut down
                    self._poll.unregister(descriptor)
                    _kill_group(child.pid)
                elif self._reap(child):
                    return

    def _may_end(self) -> bool:
        """Whether no process connects now: one that does holds the lock until it has connected."""
        held = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(held, fcntl.LOCK_EX)
        if select.select([self._listener], [], [], 0)[0]:
            os.close(held)
            return False
        self._listener.close()  # a process that connects later starts another root
        os.close(held)
        return True

    def _accept(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                connection, _ = self._listener.accept()
                self._waiting[connection.fileno()] = connection
                self._poll.register(connection, select.POLLIN | select.POLLRDHUP)

    def _serve(self, descriptor: int) -> bool:
        """Fork the process that a connection asks for; whether it asks for none, and was the last one."""
        data, streams = b"", list[int]()
        with contextlib.suppress(OSError):
            data, streams, _, _ = socket.recv_fds(self._waiting[descriptor], MAX_MESSAGE, STREAMS)
        if len(streams) == STREAMS:
            self._fork(self._waiting.pop(descriptor), data, streams)
        for stream in streams:
            os.close(stream)
        return len(streams) != STREAMS and self._drop(descriptor)

    def _drop(self, descriptor: int) -> bool:
        self._poll.unregister(descriptor)
        return self._part(self._waiting.pop(descriptor), {"code": -signal.SIGKILL})

    def _part(self, connection: socket.socket, ended: dict[str, Any]) -> bool:
        """Report how the process of a connection ended, and close it; whether it was the last one."""
        is_last = not self._waiting and not self._children and self._may_end()
        _tell(connection, ended | {"is_last": is_last})
        connection.close()
        return is_last

    def _fork(self, connection: socket.socket, request: bytes, streams: list[int]) -> None:
        self._forks += 1
        if self._forks == _MANY:
            use_huge_pages()
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            # A fork does not map pages of files again, so the child begins with less memory than this process has.
            os.write(writing, str(resident_mb()).encode())
            become(request, streams)
        os.close(writing)
        child = _Child(pid, os.pidfd_open(pid), connection, float(os.read(reading, 64) or b"inf"))
        os.close(reading)
        self._children |= {child.ended: child, connection.fileno(): child}
        self._poll.register(child.ended, select.POLLIN)
        _tell(connection, {"started": True})

    def _reap(self, child: _Child) -> bool:
        """Reap a child that ended, kill its group, and report it; whether it was the last one."""
        _kill_group(child.pid)
        _, status, usage = os.wait4(child.pid, 0)
        for descriptor in (child.ended, child.connection.fileno()):
            del self._children[descriptor]
            with contextlib.suppress(KeyError):  # its connection was shut down
                self._poll.unregister(descriptor)
        os.close(child.ended)
        self._end_orphans()
        used = {"cpu_ms": (usage.ru_utime + usage.ru_stime) * 1000}
        used["peak_mb"] = max(0.0, usage.ru_maxrss / 1024 - child.resident_mb)
        return self._part(child.connection, used | {"code": os.waitstatus_to_exitcode(status)})

    def _end_orphans(self) -> None:
        """Kill all processes whose parent ended: as a subreaper this process is now their parent."""
        known = {child.pid for child in self._children.values()}
        listed = Path(f"/proc/self/task/{os.getpid()}/children")
        while orphans := {int(pid) for pid in listed.read_text().split()} - known:
            for pid in orphans:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(pid, 0)


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)  # it may not have made its group yet
        os.killpg(pid, signal.SIGKILL)


def _tell(connection: socket.socket, message: dict[str, Any]) -> None:
    with contextlib.suppress(OSError):  # its other end is gone
        connection.send(json.dumps(message).encode())
