"""Zygote: an interpreter that forks boxes on request. It is started by exec and never receives questions or answers.

The command is `python -P -s -S -B -c BOOTSTRAP package-root control-fd`, with a cleared environment and its own
PYTHONHASHSEED. Standard library only. It serves the requests of `wire` until the parent closes the socket.
"""

from __future__ import annotations

import errno
import fcntl
import gc
import json
import os
import resource
import signal
import socket
import stat
import struct
import sys
from typing import Any

from harness.sandbox import namespaces, shim
from harness.sandbox.landlock import READ, READ_DIR, READ_FILE, WRITE_FILE, Ruleset
from harness.sandbox.seccomp import Filter
from harness.sandbox.syscalls import PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS, PR_SET_PDEATHSIG, drop_capabilities, prctl
from harness.sandbox.wire import ANSWERS, NONCE, QUESTIONS, REPLY, REQUEST, SUBJECT_EXITED

OPEN_FILES, PROCESSES = 32, 64
WORK_BYTES, WORK_FILES = 8 << 20, 256
PRELOADED = ("bisect", "collections", "functools", "heapq", "itertools", "math", "operator", "re", "string", "typing")
"""Modules imported once for all boxes, since most subjects use them. Not `random`: forks would share its state."""


class Zygote:
    """State of one zygote: the active layers, and the prepared objects that each box activates them with."""

    def __init__(self, config: dict[str, Any]) -> None:
        self.off = frozenset(config["off"])
        self.layers: dict[str, str] = {}
        self.uid = config["uid"]
        self.namespaces = False
        self.ruleset: Ruleset | None = None
        self.filters: dict[bool, Filter] = {}
        self.rooted = False
        self.root = os.getuid() == 0

    def prepare(self, config: dict[str, Any]) -> None:
        """Build the objects that boxes share; a refused layer is recorded with the kernel's reason."""
        self.namespaces = self._try("namespaces", lambda: self._enter(config))
        self._try("landlock", lambda: self._build_ruleset(config))
        self._try("seccomp", self._compile)
        self._try("rlimits", lambda: resource.getrlimit(resource.RLIMIT_CPU))
        if self.root:
            self._try("uid", lambda: self._check_reachable(config))
        elif self.namespaces and "uid" not in self.off:
            self.layers["uid"] = ""
        else:
            self.layers["uid"] = "not root, so boxes run as the same user"

    def _try(self, layer: str, action: Any) -> bool:
        if layer in self.off:
            self.layers[layer] = "switched off"
            return False
        try:
            action()
        except OSError as error:
            self.layers[layer] = f"{error.strerror or error}{f' ({error.filename})' if error.filename else ''}"
            return False
        self.layers[layer] = ""
        return True

    def _enter(self, config: dict[str, Any]) -> None:
        namespaces.unshare_zygote()
        if "pivot_root" in self.off:
            return
        namespaces.build_root(config["binds"], config["masks"])
        self.rooted = True

    def _build_ruleset(self, config: dict[str, Any]) -> None:
        rules = Ruleset()
        for path in config["listable"]:
            rules.allow(path, READ_DIR)
        for path in config["readable"]:
            rules.allow(path, READ)
        for name in namespaces.DEVICES:
            rules.allow(f"/dev/{name}", READ_FILE | WRITE_FILE)
        if self.rooted:
            rules.allow_writing(namespaces.WORK_PARENT)
        self.ruleset = rules

    def _check_reachable(self, config: dict[str, Any]) -> None:
        # The pivoted root is readable for every user; without it another user may be unable to enter, say, /root.
        if self.rooted:
            return
        for path in config["listable"]:
            directory = path
            while directory != "/":
                if not os.stat(directory).st_mode & stat.S_IXOTH:
                    raise OSError(errno.EACCES, f"the interpreter lies below {directory}, closed to other users")
                directory = os.path.dirname(directory)

    def _compile(self) -> None:
        # Landlock does not cover modes and times, so those calls are refused where the user's files are visible.
        self.filters = {True: Filter("strict" if self.rooted else "sealed"), False: Filter("compute")}

    def set_inherited_state(self) -> None:
        """Set the process state that every box inherits by fork: umask, privileges, user and resource limits."""
        os.umask(0o077)
        if sys.platform == "linux":
            prctl(PR_SET_NO_NEW_PRIVS, 1)
            prctl(PR_SET_DUMPABLE, 0)
        if self.root and self.layers["uid"] == "":
            os.setgroups([])
            os.setresgid(self.uid, self.uid, self.uid)
        if self.layers["rlimits"] == "":
            limits = {"CORE": 0, "MEMLOCK": 0, "MSGQUEUE": 0, "NOFILE": OPEN_FILES, "FSIZE": WORK_BYTES}
            # The kernel counts processes per user, so this needs a box with its own user (or user namespace).
            if self.layers["uid"] == "":
                limits["NPROC"] = PROCESSES
            for name, value in limits.items():
                _limit(getattr(resource, f"RLIMIT_{name}", None), value)

    def enter_box(self, strict: bool, space: int, cpu: int, questions: int, answers: int) -> None:
        """In the new process: activate every layer, then serve questions. Never returns."""
        try:
            os.dup2(questions, QUESTIONS)
            os.dup2(answers, ANSWERS)
            if self.rooted:
                namespaces.mount_work(WORK_BYTES, WORK_FILES)
            if self.root and self.layers["uid"] == "":
                os.setresuid(self.uid, self.uid, self.uid)
            elif sys.platform == "linux" and "uid" not in self.off:
                # Root without capabilities has the rights of an ordinary user, except for the files it owns.
                drop_capabilities()
            if sys.platform == "linux":
                prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # sent when the zygote, which has one thread, ends
            if self.layers["rlimits"] == "":
                _limit(resource.RLIMIT_CPU, cpu)
                if sys.platform == "linux":
                    _limit(resource.RLIMIT_AS, space)
            if self.ruleset is not None:
                self.ruleset.enforce()
            os.closerange(ANSWERS + 1, OPEN_FILES)
            if self.filters:
                self.filters[strict].install()
        except BaseException as error:
            try:
                shim.send(ANSWERS, b"X", bytes(NONCE), f"{type(error).__name__}: {error}".encode()[:500])
            finally:
                os._exit(99)
        try:
            shim.send(ANSWERS, b"Y", bytes(NONCE), b"")
            shim.serve()
        finally:
            # SystemExit and KeyboardInterrupt of the subject end here: the box exits.
            os._exit(SUBJECT_EXITED)


def _limit(kind: int | None, value: int) -> None:
    if kind is None:
        return
    hard = resource.getrlimit(kind)[1]
    ceiling = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(kind, (ceiling, ceiling))


def _virtual_size() -> int:
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[0]) * resource.getpagesize()
    except OSError:
        return 0


def _serve(zygote: Zygote, control: socket.socket) -> None:
    children: set[int] = set()
    while True:
        data, fds, _flags, _address = socket.recv_fds(control, REQUEST.size, 2)
        if len(data) < REQUEST.size:
            break
        request = REQUEST.unpack(data)
        op, pid = request[0], request[-1]
        if op == b"O":
            _open(zygote, control, request, fds, children)
            for fd in fds:
                os.close(fd)
        elif op == b"K" and pid in children:
            os.kill(pid, signal.SIGKILL)
        elif op == b"R" and pid in children:
            _pid, status, usage = os.wait4(pid, 0)
            children.discard(pid)
            cpu = int((usage.ru_utime + usage.ru_stime) * 1e6)
            control.send(REPLY.pack(b"r", pid, status, cpu, usage.ru_maxrss))
    for pid in children:
        os.kill(pid, signal.SIGKILL)


def _open(zygote: Zygote, control: socket.socket, request: tuple[Any, ...], fds: list[int], children: set[int]) -> None:
    try:
        if zygote.namespaces:
            pid, pidfd = namespaces.clone_box()
        else:
            pid, pidfd = os.fork(), -1
    except OSError as error:
        control.send(REPLY.pack(b"e", error.errno or 0, 0, 0, 0))
        return
    if pid == 0:
        _op, strict, space, cpu, _pid = request
        zygote.enter_box(strict, space, cpu, *fds)
    children.add(pid)
    if pidfd < 0 and hasattr(os, "pidfd_open"):
        try:
            pidfd = os.pidfd_open(pid)
        except OSError:
            pidfd = -1
    reply = REPLY.pack(b"o", pid, 0, 0, 0)
    if pidfd < 0:
        control.send(reply)
    else:
        socket.send_fds(control, [reply], [pidfd])
        os.close(pidfd)


def _reserve_channel(control_fd: int) -> int:
    """Reserve descriptors 3 and 4 for the channel of a box by opening /dev/null there; return the moved control fd."""
    moved = fcntl.fcntl(control_fd, fcntl.F_DUPFD_CLOEXEC, 10)
    os.close(control_fd)  # its number is arbitrary: boxes close only descriptors below the limit
    null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
    for fd in (QUESTIONS, ANSWERS):
        os.dup2(null, fd)
    if null not in (QUESTIONS, ANSWERS):
        os.close(null)
    return moved


def main(root: str, control_fd: int) -> None:
    """Prepare the layers, report them to the parent, and serve until the parent closes the socket."""
    control = socket.socket(fileno=_reserve_channel(control_fd))
    length = struct.unpack("<I", control.recv(4))[0]
    text = b""
    while len(text) < length:
        text += control.recv(length - len(text))
    config = json.loads(text)
    # Boxes must not be able to import the harness's modules by name.
    sys.path[:] = [entry for entry in sys.path if entry != root]
    for name in [name for name in sys.modules if name.split(".")[0] == "harness"]:
        del sys.modules[name]
    sys.argv[:] = ["candidate"]
    sys.orig_argv[:] = ["python"]
    for name in PRELOADED:
        __import__(name)
    size = _virtual_size()
    zygote = Zygote(config)
    zygote.prepare(config)
    zygote.set_inherited_state()
    os.environ.clear()
    os.chdir("/")
    hello = {
        "layers": zygote.layers,
        "version": sys.version,
        "virtual_size": size,
        "resident_kib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
        "landlock_abi": zygote.ruleset.abi if zygote.ruleset else 0,
    }
    del config, text
    shim.rehearse()
    message = json.dumps(hello).encode()
    gc.collect()
    gc.freeze()
    # The parent can read start-up errors until here; from now on the channel is the only way out.
    os.dup2(1, 2)
    control.sendall(struct.pack("<I", len(message)) + message)
    try:
        _serve(zygote, control)
    finally:
        os._exit(0)
