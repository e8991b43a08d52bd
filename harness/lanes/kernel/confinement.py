"""Confinement: restricts a kernel's process. It is weaker than a box, because PyTorch needs Python's files.

As far as the operating system supports it, the process loses the network (namespace), all files but the system's and
Python's libraries and one folder (Landlock), new processes, sockets and the memory of other processes (seccomp; not for
a compile job, which starts the assembler), new privileges and core dumps. Memory and CPU time are limited.
"""

from __future__ import annotations

import contextlib
import resource
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path

from harness.core.resources import mapped_bytes
from harness.sandbox.landlock import EXECUTE, READ, Ruleset
from harness.sandbox.namespaces import NEWNET
from harness.sandbox.seccomp import Filter
from harness.sandbox.syscalls import PR_SET_NO_NEW_PRIVS, prctl, syscall

_LIBRARIES = ("/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache", "/etc/localtime", "/opt")
_DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random")
_FACTS = ("/proc/cpuinfo", "/proc/meminfo", "/sys/devices/system/cpu")
_READ_WRITE = 2 | 4


def confine(
    folder: str | None, limits: dict[str, int], *, may_execute: bool, readable: Iterable[str] = ()
) -> list[str]:
    """Restrict this process to one folder, permanently.

    Args:
        folder: Where this process may write; nowhere if it is None.
        limits: `resource` names and values; `RLIMIT_AS` counts from what is mapped now.
        may_execute: Whether it must start programs (the assembler).
        readable: Further paths it may read.

    Returns:
        The names of the layers that are active.
    """
    mapped = mapped_bytes()
    for name, value in limits.items():
        bound = value + mapped if name == "RLIMIT_AS" else value
        kind = getattr(resource, name)
        hard = resource.getrlimit(kind)[1]  # a parent process may have set a lower limit
        bound = bound if hard == resource.RLIM_INFINITY else min(bound, hard)
        resource.setrlimit(kind, (bound, bound))
    layers = ["rlimits"]
    for layer, take in {
        "no_new_privs": lambda: prctl(PR_SET_NO_NEW_PRIVS, 1),
        "network": lambda: syscall("unshare", NEWNET),
        "landlock": lambda: _landlock(folder, readable, execute=may_execute),
        **({} if may_execute else {"seccomp": Filter("compute").install}),
    }.items():
        with contextlib.suppress(OSError):  # the missing name reports it
            take()
            layers.append(layer)
    return layers


def _landlock(folder: str | None, readable: Iterable[str], *, execute: bool) -> None:
    rules = Ruleset()
    reading = READ if execute else READ & ~EXECUTE
    prefixes = {sys.prefix, sys.base_prefix, *(sysconfig.get_path(name) for name in ("purelib", "platlib", "stdlib"))}
    for path in sorted({*_LIBRARIES, *prefixes, *_FACTS, *readable}):
        if Path(path).exists():
            rules.allow(path, reading)
    for path in _DEVICES:
        if Path(path).exists():
            rules.allow(path, _READ_WRITE)
    if folder is not None:
        rules.allow_writing(folder)
        rules.allow(folder, reading)
    rules.enforce()
