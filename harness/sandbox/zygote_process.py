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

import harness
from harness.core.errors import InfraError
from harness.sandbox import root
from harness.sandbox.cgroup import Cgroup
from harness.sandbox.limits import MIB, Limits, SyscallPolicy
from harness.sandbox.wire import REPLY, REQUEST

PACKAGE_ROOT = str(Path(harness.__file__).resolve().parent.parent)
BOOTSTRAP = (
    "import sys; sys.path.insert(0, sys.argv[1]); from harness.sandbox.zygote import main; "
    "main(sys.argv[1], int(sys.argv[2]))"
)
EMPTY_BOX = 3 * MIB
"""Page tables, stacks and copied pages of a box that does nothing; not the subject's."""
START_SECONDS = 20.0
_serials = itertools.count()
LAYERS = ("namespaces", "pivot_root", "uid", "rlimits", "landlock", "seccomp", "cgroup")


@dataclass(frozen=True, slots=True)
class Newborn:
    """A box process as the zygote reports it."""

    pid: int
    pidfd: int


@dataclass(frozen=True, slots=True)
class Death:
    """What the kernel reported when a box was reaped."""

    status: int
    cpu_us: int
    resident_kib: int

    @property
    def signal(self) -> int:
        """The signal that ended it; 0 if it exited by itself."""
        return os.WTERMSIG(self.status) if os.WIFSIGNALED(self.status) else 0


class ZygoteProcess:
    """One zygote: starts it, asks it for boxes, reaps them, ends it.

    Args:
        hash_seed: PYTHONHASHSEED of the zygote and all its boxes.
        protect: Paths that boxes must not see even if they lie where a library does.
        without: Layers to leave out; for tests that prove what each layer stops.
    """

    def __init__(self, hash_seed: int, *, protect: Iterable[Path] = (), without: frozenset[str] = frozenset()) -> None:
        self.hash_seed = hash_seed
        self.layers: dict[str, str] = {}
        self.cgroup: Cgroup | None = None
        self._serial = next(_serials)
        self._waiting = False
        self._living = 0  # usually one box at a time; a timing keeps a second one beside it, under the same limit
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
            hello = self._introduce(config)
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

    def _introduce(self, config: dict[str, object]) -> dict[str, Any]:
        message = json.dumps(config).encode()
        try:
            self._socket.sendall(struct.pack("<I", len(message)) + message)
            length = struct.unpack("<I", self._exactly(4))[0]
            hello: dict[str, Any] = json.loads(self._exactly(length))
        except OSError as error:
            self._process.kill()
            said = self._process.stderr.read(2000).decode("utf-8", "replace") if self._process.stderr else ""
            last = said.strip().splitlines()[-1:] or [str(error)]
            raise InfraError(f"the zygote did not start: {last[0]}", where=sys.executable) from error
        return hello

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            part = self._socket.recv(count - len(data))
            if not part:
                raise ConnectionResetError("it hung up")
            data += part
        return data

    @property
    def sound(self) -> bool:
        """Whether it is there and in step with us.

        An exception between a request and its reply (Ctrl-C, a timeout plugin) leaves the reply unread, and every later
        one would be taken for another's.
        """
        return not self._waiting and self._process.poll() is None

    def open(self, limits: Limits, questions: int, answers: int) -> Newborn:
        """Ask for a box whose channel is the two descriptors.

        Raises:
            InfraError: if the zygote is gone, out of step, or cannot fork.
        """
        if self.cgroup is not None and not self._living:
            try:
                self.cgroup.reset(limits.memory_bytes + EMPTY_BOX)
            except OSError as error:
                raise InfraError(f"the zygote's group cannot be reset: {error}") from error
        space = self.virtual_size + limits.memory_bytes + EMPTY_BOX
        if self.cgroup is not None:
            # The group counts what is really used; address space then only has to stop absurdities, and thread
            # stacks or allocator arenas that are reserved but untouched may exist.
            space += 4 * limits.memory_bytes + 512 * MIB
        strict = limits.policy is SyscallPolicy.STRICT
        request = REQUEST.pack(b"O", strict, space, max(1, math.ceil(limits.cpu_seconds)), 0)
        (op, pid, *_), fds = self._request(request, (questions, answers))
        if op != b"o":
            raise InfraError(f"a box cannot be forked: {os.strerror(pid)}")
        # Memory a box unmapped from itself stays charged to the group it shares with its zygote: the kernel must not
        # pick the zygote for it. Where this may not be written, `Box` reads the group's counter instead.
        with contextlib.suppress(OSError):
            Path(f"/proc/{pid}/oom_score_adj").write_text("1000", encoding="ascii")
        self._living += 1
        return Newborn(pid, fds[0] if fds else -1)

    def _request(self, request: bytes, fds: tuple[int, ...] = ()) -> tuple[tuple[Any, ...], list[int]]:
        if self._waiting:
            raise InfraError("the zygote is out of step: an earlier request was interrupted")
        self._waiting = True
        try:
            if fds:
                socket.send_fds(self._socket, [request], fds)
            else:
                self._socket.sendall(request)
            data, received, _flags, _address = socket.recv_fds(self._socket, REPLY.size, 1)
        except OSError as error:
            raise InfraError(f"the zygote is gone: {error}") from error
        if len(data) < REPLY.size:
            raise InfraError("the zygote died")
        self._waiting = False
        return REPLY.unpack(data), received

    def kill(self, newborn: Newborn) -> None:
        """End a box, and with it everything in its process namespace. Safe to repeat."""
        if newborn.pidfd >= 0:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(newborn.pidfd, signal.SIGKILL)
            return
        # Only the zygote knows for sure that the number still means this process: it has not reaped it.
        with contextlib.suppress(OSError):
            self._socket.send(REQUEST.pack(b"K", True, 0, 0, newborn.pid))

    def reap(self, newborn: Newborn) -> Death:
        """Wait for a killed or dying box and let the kernel forget it.

        Raises:
            InfraError: if the zygote does not answer.
        """
        if newborn.pidfd >= 0:
            os.close(newborn.pidfd)
        (op, pid, status, cpu, resident), _fds = self._request(REQUEST.pack(b"R", True, 0, 0, newborn.pid))
        if op != b"r" or pid != newborn.pid:
            self._waiting = True
            raise InfraError("the zygote is out of step: it reaped another box")
        self._living -= 1
        return Death(status, cpu, resident)

    def close(self) -> None:
        """End the zygote and every box of it, and remove its group."""
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
    """A user id for one zygote's boxes, so that limits counted by user count these only."""
    try:
        # In a container with a user namespace only some ids exist; there the traditional nobody must do.
        spans = [line.split() for line in Path("/proc/self/uid_map").read_text().splitlines()]
    except OSError:
        return 65534
    wanted = 0x70000000 + (os.getpid() * 64 + serial) % 0x0F000000
    inside = any(int(first) <= wanted < int(first) + int(count) for first, _outside, count in spans)
    return wanted if inside else 65534
