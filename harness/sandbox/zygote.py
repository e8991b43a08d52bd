"""Zygote: an interpreter that forks boxes on request. It never receives questions or answers.

A root zygote is started by exec: `python -P -s -S -B -c BOOTSTRAP package-root control-fd`, with a cleared environment
and its own PYTHONHASHSEED. It only imports what boxes need and forks zygotes; each of them enters namespaces of its
own, prepares the layers and forks boxes. Standard library only. Both serve the requests of `wire` until the parent
closes their socket.
"""

from __future__ import annotations

import _socket  # without the memory and the mappings of `socket`, which each fork would copy
import contextlib
import fcntl
import gc
import json
import os
import resource
import signal
import struct
import sys
import types
from collections.abc import Callable
from typing import Any

from harness.sandbox import clock, namespaces, shim
from harness.sandbox import layers as confinement
from harness.sandbox.filled_code import BOX_CODE
from harness.sandbox.layers import Layers
from harness.sandbox.outward_attributes import watch_attributes
from harness.sandbox.wire import ANSWERS, QUESTIONS, REPLY, REQUEST

CODECS = "ascii latin_1 utf_16 utf_16_le utf_16_be utf_32 unicode_escape raw_unicode_escape utf_8_sig".split()
PRELOADED = (
    "atexit", "bisect", "collections", "copy", "dataclasses", "datetime", "decimal", "functools", "heapq", "itertools",
    "math", "operator", "re", "string", "textwrap", "traceback", "typing", "unicodedata", "_strptime",
    *map("encodings.{}".format, CODECS),
    *(["_pylong"] if sys.version_info >= (3, 12) else []),
)  # fmt: skip
"""Modules imported once for all boxes, since most subjects use them. Not `random`: forks would share its state.

Among them are those that others import when they are called, since a guarded box loads nothing then."""

DESCRIPTOR = struct.Struct("i")
Request = tuple[Any, ...]
Fork = Callable[[Request, list[int]], tuple[int, int]]
"""Forks a child for a request with its descriptors; returns its pid and pidfd (or -1), in the child never."""


def _virtual_size() -> int:
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[0]) * resource.getpagesize()
    except OSError:
        return 0


def _serve(control: _socket.socket, fork: Fork, *, may_continue: Callable[[], bool] = lambda: True) -> None:
    """Serve requests until the parent closes the socket, or until `may_continue` is false after a child was reaped."""
    children: set[int] = set()
    while True:
        data, fds = _receive_request(control)
        if len(data) < REQUEST.size:
            break
        request = REQUEST.unpack(data)
        op, pid = request[0], request[-1]
        ended = 0, 0, 0
        if op == b"K" and pid in children:
            os.kill(pid, signal.SIGKILL)
        if op in (b"R", b"N") and pid in children:
            _pid, status, usage = os.wait4(pid, 0)
            children.discard(pid)
            ended = status, int((usage.ru_utime + usage.ru_stime) * 1e6), usage.ru_maxrss
            if not may_continue():
                control.send(REPLY.pack(b"l", pid, *ended))
                break
        if op == b"R":
            control.send(REPLY.pack(b"r", pid, *ended))
        if op in (b"O", b"N"):
            _open(control, fork, request, fds, children, ended=ended)
    for pid in children:
        os.kill(pid, signal.SIGKILL)


def _receive_request(control: _socket.socket) -> tuple[bytes, list[int]]:
    room = _socket.CMSG_LEN(2 * DESCRIPTOR.size)
    data, attached, _flags, _address = control.recvmsg(REQUEST.size, room)
    return data, [fd for _level, _type, packed in attached for (fd,) in DESCRIPTOR.iter_unpack(packed)]


def _open(
    control: _socket.socket,
    fork: Fork,
    request: Request,
    fds: list[int],
    children: set[int],
    *,
    ended: tuple[int, int, int],
) -> None:
    try:
        pid, pidfd = fork(request, fds)
    except OSError as error:
        control.send(REPLY.pack(b"e", error.errno or 0, *ended))
        return
    finally:
        for fd in fds:
            os.close(fd)
    children.add(pid)
    reply = REPLY.pack(b"o", pid, *ended)
    if pidfd < 0:
        control.send(reply)
    else:
        control.sendmsg([reply], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, DESCRIPTOR.pack(pidfd))])
        os.close(pidfd)


def _fork() -> tuple[int, int]:
    """As `os.fork`, but with a pidfd in the parent, where the system has them."""
    pid, pidfd = os.fork(), -1
    if pid and hasattr(os, "pidfd_open"):
        with contextlib.suppress(OSError):
            pidfd = os.pidfd_open(pid)
    return pid, pidfd


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


def _receive_json(control: _socket.socket) -> Any:
    length = struct.unpack("<I", control.recv(4))[0]
    text = b""
    while len(text) < length:
        text += control.recv(length - len(text))
    return json.loads(text)


def _send_json(control: _socket.socket, value: object) -> None:
    text = json.dumps(value).encode()
    control.sendall(struct.pack("<I", len(text)) + text)


def hide_origin() -> None:
    """Remove the places of the project and of the interpreter from what a subject can reach.

    To be called before `main`, since the code of a running frame cannot be replaced.
    """
    modules = [module for name, module in sys.modules.items() if name.split(".")[0] == "harness"]
    for module in modules:
        for holder in (module, *(one for one in vars(module).values() if isinstance(one, type))):
            if getattr(holder, "__module__", module.__name__) != module.__name__:
                continue
            for value in list(vars(holder).values()):
                function = getattr(value, "__wrapped__", None) or getattr(value, "__func__", None) or value
                function = getattr(function, "fget", None) or function
                if isinstance(function, types.FunctionType) and function.__module__ == module.__name__:
                    function.__code__ = _without_file(function.__code__)
        for name in ("__file__", "__cached__", "__spec__", "__loader__", "__path__"):
            vars(module).pop(name, None)
    # A box that is timed has one core; the others have all. None of them can tell.
    processors = frozenset(range(os.cpu_count() or 1))
    for system in (os, sys.modules[os.name]):
        if hasattr(system, "sched_getaffinity"):
            vars(system)["sched_getaffinity"] = lambda _pid=0: set(processors)
    sys.executable = ""
    sys._base_executable = ""  # type: ignore[attr-defined]
    sys.prefix, sys.exec_prefix = sys.base_prefix, sys.base_exec_prefix


def _without_file(code: types.CodeType) -> types.CodeType:
    inner = [_without_file(one) if isinstance(one, types.CodeType) else one for one in code.co_consts]
    return code.replace(co_filename=BOX_CODE, co_consts=tuple(inner))


def main(root: str, control_fd: int) -> None:
    """Import what boxes need, report to the parent, and fork zygotes until the parent closes the socket."""
    control = _socket.socket(fileno=_reserve_channel(control_fd))
    # Boxes must not be able to import the harness's modules by name.
    sys.path[:] = [entry for entry in sys.path if entry != root]
    for name in [name for name in sys.modules if name.split(".")[0] == "harness"]:
        del sys.modules[name]
    vars(sys.modules["__main__"]).pop("zygote", None)
    sys.argv[:] = ["candidate"]
    sys.orig_argv[:] = ["python"]
    shim.move_clock = clock.install()
    watch_attributes()
    for name in PRELOADED:
        __import__(name)
    os.environ.clear()
    os.chdir("/")
    with contextlib.suppress(OSError):
        confinement.filters()
    shim.rehearse()
    gc.collect()
    gc.freeze()
    # The parent can read start-up errors until here; from now on the sockets are the only way out.
    os.dup2(1, 2)
    _send_json(control, {"version": sys.version})

    def fork(_request: Request, fds: list[int]) -> tuple[int, int]:
        pid, pidfd = _fork()
        if pid == 0:
            try:
                control.close()
                _run_zygote(_socket.socket(fileno=fds[0]))
            finally:
                os._exit(0)
        return pid, pidfd

    try:
        _serve(control, fork)
    finally:
        os._exit(0)


def _run_zygote(control: _socket.socket) -> None:
    """In a forked zygote: prepare the layers, report them to the parent, and fork boxes until it closes the socket."""
    config = _receive_json(control)
    size = _virtual_size()
    layers = Layers(config)
    try:
        layers.prepare(config)
        layers.set_inherited_state()
        shared = layers.activate_once() if config["single"] else "several boxes may be open at once"
    except Exception as error:
        _send_json(control, {"error": f"{type(error).__name__}: {error}"})
        return
    hello = {
        "layers": layers.layers,
        "shared": shared,
        "virtual_size": size,
        "resident_kib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
        "landlock_abi": layers.ruleset.abi if layers.ruleset else 0,
    }
    freeze = gc.freeze
    if config["guarded"] and not shared:
        shim.guard_ahead()
    del config
    freeze()
    _send_json(control, hello)

    def fork(request: Request, fds: list[int]) -> tuple[int, int]:
        pid, pidfd = namespaces.clone_box(layers.box_namespaces) if layers.namespaces else _fork()
        if pid == 0:
            _op, strict, space, cpu, _pid = request
            layers.enter_box(strict, space, cpu, *fds)
        return pid, pidfd

    _serve(control, fork, may_continue=layers.is_unused)
