"""ZygoteProcess: the parent's handle on one zygote process."""

from __future__ import annotations

import contextlib
import itertools
import json
import math
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.core.errors import InfraError
from harness.sandbox import root
from harness.sandbox.cgroup import Cgroup
from harness.sandbox.limits import MIB, Limits, SyscallPolicy
from harness.sandbox.usage import ExitStatus
from harness.sandbox.wire import REPLY, REQUEST

PACKAGE_ROOT = str(Path(__file__).resolve().parents[2])
BOOTSTRAP = (
    "import sys; sys.path.insert(0, sys.argv[1]); from harness.sandbox.zygote import main; "
    "main(sys.argv[1], int(sys.argv[2]))"
)
EMPTY_BOX_BYTES = 3 * MIB
"""Bytes that an idle box uses for page tables, stacks and copied pages; not charged to the subject."""
START_SECONDS = 20.0
_serials = itertools.count()
LAYERS = ("namespaces", "pivot_root", "uid", "rlimits", "landlock", "seccomp", "cgroup")


@dataclass(frozen=True, slots=True)
class ChildProcess:
    """The process of a box, as reported by the zygote; `pidfd` is -1 where the system has none."""

    pid: int
    pidfd: int


class ZygoteProcess:
    """One zygote: starts it, requests boxes from it, reaps them and ends it.

    Args:
        hash_seed: PYTHONHASHSEED of the zygote and all its boxes.
        protect: Paths that are hidden from boxes even if they lie beneath a library directory.
        without: Layers to leave out; for tests that show the effect of each layer.
    """

    def __init__(self, hash_seed: int, *, protect: Iterable[Path] = (), without: frozenset[str] = frozenset()) -> None:
        self.hash_seed = hash_seed
        self.layers: dict[str, str] = {}
        self.cgroup: Cgroup | None = None
        self._serial = next(_serials)
        self._waiting = False
        self._open_boxes = 0  # usually at most one; a paired benchmark opens several under the same limit
        ours, theirs = socket.socketpair()
        environment = {"PYTHONHASHSEED": str(hash_seed), "LANG": "C.UTF-8", "TZ": "UTC", "PATH": "/usr/bin:/bin"}
        if os.environ.get("LD_LIBRARY_PATH") and not root.interpreter_libraries():
            environment["LD_LIBRARY_PATH"] = os.environ["LD_LIBRARY_PATH"]
        command = [sys.executable, "-P", "-s", "-S", "-B", "-c", BOOTSTRAP, PACKAGE_ROOT, str(theirs.fileno())]
        try:
            self._process = subprocess.Popen(
                command,
                env=environment,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )
        except OSError as error:
            ours.close()
            fix = "use an interpreter that this user can execute"
            raise InfraError(f"the zygote cannot be started: {error}", where=sys.executable, fix=fix) from error
        finally:
            theirs.close()
        self._socket = ours
        ours.settimeout(START_SECONDS)
        try:
            self._join_cgroup(without)
            listable, readable = root.readable()
            config = {
                "off": sorted(without),
                "uid": _private_uid(self._serial),
                "binds": root.binds(),
                "masks": root.masks(protect),
                "listable": listable,
                "readable": readable,
            }
            hello = self._handshake(config)
        except BaseException:
            self.close()
            raise
        if self._process.stderr is not None:
            self._process.stderr.close()
        self.layers.update(hello["layers"])
        self.layers["pivot_root"] = (
            "switched off" if "pivot_root" in without else hello["layers"].get("namespaces", "not tried")
        )
        self.virtual_size = int(hello["virtual_size"])
        self.resident_kib = int(hello["resident_kib"])
        self.landlock_abi = int(hello["landlock_abi"])
        self.version = str(hello["version"])

    def _join_cgroup(self, without: frozenset[str]) -> None:
        if "cgroup" in without:
            self.layers["cgroup"] = "switched off"
            return
        try:
            self.cgroup = Cgroup.create()
            self.cgroup.adopt(self._process.pid)
        except OSError as error:
            self.layers["cgroup"] = error.strerror or str(error)
            if self.cgroup is not None:
                self.cgroup.close()
                self.cgroup = None
        else:
            self.layers["cgroup"] = ""

    def _handshake(self, config: dict[str, object]) -> dict[str, Any]:
        message = json.dumps(config).encode()
        try:
            self._socket.sendall(struct.pack("<I", len(message)) + message)
            length = struct.unpack("<I", self._receive_exactly(4))[0]
            hello: dict[str, Any] = json.loads(self._receive_exactly(length))
        except OSError as error:
            self._process.kill()
            said = self._process.stderr.read(2000).decode("utf-8", "replace") if self._process.stderr else ""
            last = said.strip().splitlines()[-1:] or [str(error)]
            raise InfraError(f"the zygote did not start: {last[0]}", where=sys.executable) from error
        return hello

    def _receive_exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            part = self._socket.recv(count - len(data))
            if not part:
                raise ConnectionResetError("the zygote closed the connection")
            data += part
        return data

    @property
    def is_usable(self) -> bool:
        """Whether the zygote is running and has no unread reply.

        An exception between a request and its reply (Ctrl-C, a timeout plugin) leaves the reply unread; every later
        reply would then be assigned to the wrong request.
        """
        return not self._waiting and self._process.poll() is None

    def open(self, limits: Limits, questions: int, answers: int) -> ChildProcess:
        """Request a box whose channel is the two descriptors.

        Raises:
            InfraError: if the zygote has ended, has an unread reply, or cannot fork.
        """
        if self.cgroup is not None and not self._open_boxes:
            try:
                self.cgroup.reset(limits.memory_bytes + EMPTY_BOX_BYTES)
            except OSError as error:
                raise InfraError(f"the zygote's group cannot be reset: {error}") from error
        space = self.virtual_size + limits.memory_bytes + EMPTY_BOX_BYTES
        if self.cgroup is not None:
            # The group counts memory that is really used, so the address-space limit can be wide: thread stacks and
            # allocator arenas may be reserved without being used.
            space += 4 * limits.memory_bytes + 512 * MIB
        strict = limits.policy is SyscallPolicy.STRICT
        request = REQUEST.pack(b"O", strict, space, max(1, math.ceil(limits.cpu_seconds)), 0)
        (op, pid, *_), fds = self._request(request, (questions, answers))
        if op != b"o":
            raise InfraError(f"a box cannot be forked: {os.strerror(pid)}")
        # Memory that a box unmapped stays charged to the group it shares with its zygote; the kernel must not kill the
        # zygote for it. Where this file cannot be written, `Box` reads the group's kill counter instead.
        with contextlib.suppress(OSError):
            Path(f"/proc/{pid}/oom_score_adj").write_text("1000", encoding="ascii")
        self._open_boxes += 1
        return ChildProcess(pid, fds[0] if fds else -1)

    def _request(self, request: bytes, fds: tuple[int, ...] = ()) -> tuple[tuple[Any, ...], list[int]]:
        if self._waiting:
            raise InfraError("the zygote has an unread reply: an earlier request was interrupted")
        self._waiting = True
        try:
            if fds:
                socket.send_fds(self._socket, [request], fds)
            else:
                self._socket.sendall(request)
            data, received, _flags, _address = socket.recv_fds(self._socket, REPLY.size, 1)
        except OSError as error:
            raise InfraError(f"the zygote cannot be reached: {error}") from error
        if len(data) < REPLY.size:
            raise InfraError("the zygote has ended")
        self._waiting = False
        return REPLY.unpack(data), received

    def kill(self, child: ChildProcess) -> None:
        """Kill a box and every process in its process namespace. Idempotent."""
        if child.pidfd >= 0:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(child.pidfd, signal.SIGKILL)
            return
        # Only the zygote, which reaps its children, can be sure that the pid still belongs to this process.
        with contextlib.suppress(OSError):
            self._socket.send(REQUEST.pack(b"K", True, 0, 0, child.pid))

    def reap(self, child: ChildProcess) -> ExitStatus:
        """Wait for a box that was killed or has ended, and reap it.

        Raises:
            InfraError: if the zygote does not answer.
        """
        if child.pidfd >= 0:
            os.close(child.pidfd)
        (op, pid, status, cpu, resident), _fds = self._request(REQUEST.pack(b"R", True, 0, 0, child.pid))
        if op != b"r" or pid != child.pid:
            self._waiting = True
            raise InfraError("the zygote reaped another box than requested")
        self._open_boxes -= 1
        return ExitStatus(status, cpu, resident)

    def close(self) -> None:
        """End the zygote and all of its boxes, and remove its memory group."""
        self._socket.close()
        deadline = time.monotonic() + 1.0
        while self._process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.0005)
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        if self._process.stderr is not None:
            self._process.stderr.close()
        if self.cgroup is not None:
            self.cgroup.close()
            self.cgroup = None


def _private_uid(serial: int) -> int:
    """A user id for the boxes of one zygote, so that per-user limits count only these boxes."""
    try:
        # In a container with a user namespace only some ids exist; the fallback is the user `nobody`.
        spans = [line.split() for line in Path("/proc/self/uid_map").read_text().splitlines()]
    except OSError:
        return 65534
    wanted = 0x70000000 + (os.getpid() * 64 + serial) % 0x0F000000
    inside = any(int(first) <= wanted < int(first) + int(count) for first, _outside, count in spans)
    return wanted if inside else 65534
