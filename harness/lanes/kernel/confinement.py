"""Confinement: what a kernel's process may do. It is no box: it needs PyTorch, so it sees the interpreter's own files.

Taken away, each where the kernel of this machine can: the network (a namespace), every file but the system's libraries,
Python's own and one folder (Landlock), processes, sockets and the memory of others (seccomp; not for a compiler, which
starts the assembler), new privileges, core dumps, and memory and time without end (limits).
"""

from __future__ import annotations

import ctypes
import os
import resource
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path

from harness.sandbox.landlock import EXECUTE, READ, Ruleset
from harness.sandbox.namespaces import NEWNET
from harness.sandbox.seccomp import Filter
from harness.sandbox.syscalls import syscall

_LIBRARIES = ("/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache", "/etc/localtime", "/opt")
_DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random")
_FACTS = ("/proc/cpuinfo", "/proc/meminfo", "/sys/devices/system/cpu")
_READ_WRITE = 2 | 4
_ALL = (1 << 16) - 1 & ~EXECUTE
_PDEATHSIG, _NO_NEW_PRIVS, _SUBREAPER = 1, 38, 36
_SIGKILL = 9
_libc = ctypes.CDLL(None, use_errno=True)


def adopt_orphans() -> None:
    """Let whatever a job leaves behind become a child of this process, and let this process end with its parent."""
    _libc.prctl(_SUBREAPER, 1, 0, 0, 0)
    _libc.prctl(_PDEATHSIG, _SIGKILL, 0, 0, 0)


def confine(
    folder: str,
    limits: dict[str, int],
    *,
    may_execute: bool,
    device: bool = False,
    filtered: bool = True,
    readable: Iterable[str] = (),
    writable: Iterable[str] = (),
) -> list[str]:
    """Give up everything but one folder, for good.

    Args:
        folder: Where this process may write.
        limits: `resource` names and values; `RLIMIT_AS` counts from what is mapped now.
        may_execute: Whether it has to start programs (the assembler).
        device: Whether it talks to a GPU, whose driver it has started: then its device nodes stay, and the filter of
            system calls leaves the driver what it may ask for.
        filtered: Whether system calls are filtered where no program has to be started.
        readable: Further paths it may read.
        writable: Further paths it may write.

    Returns:
        The layers that are on.
    """
    layers = ["rlimits"]
    _libc.prctl(_PDEATHSIG, _SIGKILL, 0, 0, 0)
    if _libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0) == 0:
        layers.append("no_new_privs")
    mapped = _mapped()
    for layer, take in (
        ("network", _leave_network),
        ("landlock", lambda: _landlock([folder, *writable], [*readable], execute=may_execute, device=device)),
    ):
        try:
            take()
            layers.append(layer)
        except OSError:
            continue  # said by its absence
    for name, value in limits.items():
        bound = value + mapped if name == "RLIMIT_AS" else value
        kind = getattr(resource, name)
        hard = resource.getrlimit(kind)[1]  # whoever started us (a program of the dsl lane) may have less to give
        bound = bound if hard == resource.RLIM_INFINITY else min(bound, hard)
        resource.setrlimit(kind, (bound, bound))
    if filtered and not may_execute:
        try:
            Filter("device" if device else "compute").install()
            layers.append("seccomp")
        except OSError:
            pass
    return layers


def _leave_network() -> None:
    syscall("unshare", NEWNET)


def _landlock(writable: list[str], readable: list[str], *, execute: bool, device: bool) -> None:
    rules = Ruleset()
    reading = READ if execute else READ & ~EXECUTE
    prefixes = {sys.prefix, sys.base_prefix, *(sysconfig.get_path(name) for name in ("purelib", "platlib", "stdlib"))}
    for path in sorted({*_LIBRARIES, *prefixes, *_FACTS, *readable}):
        if Path(path).exists():
            rules.allow(path, reading)
    for path in (*map(str, Path("/dev").glob("nvidia*")), "/proc", "/sys") if device else ():
        if Path(path).exists():
            rules.allow(path, _ALL if path.startswith("/dev") else reading)
    for path in _DEVICES:
        if Path(path).exists():
            rules.allow(path, _READ_WRITE)
    for path in writable:
        rules.allow_writing(path)
        rules.allow(path, reading)
    rules.enforce()


def _mapped() -> int:
    return int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
