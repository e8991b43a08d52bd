"""Process: the identity of a writing process, which stays valid after it ended."""

from __future__ import annotations

import os
import socket
from functools import cache
from pathlib import Path

from harness.core.frozen import Frozen


class Process(Frozen):
    """The identity of a process, different from a later one with the same pid."""

    host: str
    boot: str
    """The kernel's boot id; empty where it has none."""
    namespace: str
    """The pid namespace: pids of another container are not valid here."""
    pid: int
    started: str
    """Clock ticks from boot to its start; empty where the kernel does not report it."""

    @classmethod
    def current(cls) -> Process:
        """The current process, with its pid and start time."""
        pid = os.getpid()
        return cls(host=socket.gethostname(), boot=_boot(), namespace=_namespace(), pid=pid, started=started(pid))

    @property
    def near(self) -> bool:
        """Whether its pid is valid in this process: same boot, same pid namespace."""
        here = (socket.gethostname(), _boot(), _namespace())
        return bool(self.started) and (self.host, self.boot, self.namespace) == here

    @property
    def alive(self) -> bool:
        """Whether it still runs; only meaningful if it is `near`."""
        return started(self.pid) == self.started


def started(pid: int) -> str:
    """Start time of a process in ticks since boot, empty if it is gone, a zombie, or the kernel does not report it."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return ""
    # The second field is a name in parentheses that may itself contain spaces and parentheses.
    fields = stat.rpartition(b")")[2].split()
    return "" if fields[0] in (b"Z", b"X") else fields[19].decode()


@cache
def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _namespace() -> str:
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return ""
