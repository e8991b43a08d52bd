"""Probe: verifies the isolation of a box by attacking one.

Each layer reports whether it is active; that is only a claim. The probe runs a hostile subject in a box with the layers
that candidates get and records which attacks succeed. The tier is the highest one that both the claim and the attack
support.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.core.errors import InfraError
from harness.core.status import Status
from harness.core.tier import Tier
from harness.sandbox.codec import CodecError, decode
from harness.sandbox.fault import BoxFault
from harness.sandbox.limits import MIB, Limits
from harness.sandbox.pool import BoxPool, tier_of
from harness.sandbox.zygote_process import LAYERS

MAX_FILES_PER_FOLDER = 64
"""Files of one directory that the attack tries to read; one readable file is enough to show a breach."""
MAX_SHOWN = 6
SUFFIX = ".crucible-probe"

ATTACK = b"""
import os

def tried(action):
    try:
        return action()
    except BaseException:
        return None

def read(path):
    with open(path, "rb") as file:
        return len(file.read(1)) >= 0

def write(path):
    open(path, "w").close()  # to make a file is enough
    return True

def chmod(path):
    os.chmod(path, os.stat(path).st_mode & 0o7777)
    return True

def attack(files, places):
    import ctypes, resource, socket
    libc = ctypes.CDLL(None, use_errno=True)
    done = []
    done += ["read " + path for path in files if tried(lambda: read(path))]
    done += ["write " + path for path in places if tried(lambda: write(path))]
    done += ["change the mode of " + path for path in files if tried(lambda: chmod(path))]
    for name in ("AF_INET", "AF_UNIX"):
        if tried(lambda: socket.socket(getattr(socket, name))):
            done.append("open a socket of " + name)
    if tried(lambda: os.kill(os.getppid() or 1, 0) is None):
        done.append("signal another process")
    for limit in ("RLIMIT_AS", "RLIMIT_CPU", "RLIMIT_NOFILE"):
        infinity = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        if tried(lambda: resource.setrlimit(getattr(resource, limit), infinity) is None):
            done.append("raise " + limit)
    if os.environ:
        done.append("read the environment")
    if libc.ptrace(0x4206, os.getppid() or 1, 0, 0) == 0:  # PTRACE_SEIZE: PTRACE_ATTACH would leave the zygote stopped
        done.append("trace another process")
    pid = tried(os.fork)
    if pid == 0:
        os._exit(0)
    if pid:
        done.append("fork")
    return {"done": done, "pid": os.getpid(), "uid": os.getuid()}
"""

MEMORY_ATTACK = b"""
import mmap

kept = []

def hoard(megabytes):
    for _ in range(megabytes):
        block = mmap.mmap(-1, 1 << 20)
        block.write(b"x" * (1 << 20))
        kept.append(block)
    return len(kept)
"""

_CONSEQUENCES = {
    "namespaces": "a subject sees the machine's process ids and the names of files (not their contents)",
    "pivot_root": "files are hidden by Landlock alone",
    "uid": "a subject runs as the user who runs pytest",
    "rlimits": "CPU time, files and address space are unlimited",
    "landlock": "a subject may read whatever its user may, unless the root is pivoted",
    "seccomp": "a subject may fork, open sockets and reach the whole kernel",
    "cgroup": "peak memory is a lower bound",
}
_REMEDY = {
    "namespaces": "allow user namespaces (sysctl user.max_user_namespaces above 0, "
    "kernel.unprivileged_userns_clone=1 where there is one, kernel.apparmor_restrict_unprivileged_userns=0 or an "
    "AppArmor profile for this interpreter; in a container --security-opt seccomp=unconfined or --cap-add SYS_ADMIN)",
    "pivot_root": "as for namespaces",
    "uid": "run as root, or allow user namespaces; keep the interpreter where other users can enter",
    "rlimits": "run on a POSIX system",
    "landlock": "use Linux 5.13 or newer with landlock in /sys/kernel/security/lsm",
    "seccomp": "use Linux on x86_64 or aarch64; gVisor and old containers may refuse filters",
    "cgroup": "run as root with a writable /sys/fs/cgroup, or under `systemd-run --user --scope -p Delegate=yes`",
}


@dataclass(frozen=True, slots=True)
class Probe:
    """The result of a probe.

    Attributes:
        tier: The isolation tier of this machine.
        layers: For each layer an empty string if it is on, otherwise the reason why it is off.
        breaches: Descriptions of the attacks that succeeded; empty when all were refused.
        landlock_abi: The kernel's Landlock ABI version; 0 without Landlock.
        interpreter: Python's version inside the box.
        checked: Number of files that the attack tried to read, the session's own among them.
    """

    tier: Tier
    layers: dict[str, str]
    breaches: tuple[str, ...]
    landlock_abi: int
    interpreter: str
    checked: int

    def line(self) -> str:
        """The one-line summary for the terminal and the run's record."""
        on = [name for name in LAYERS if self.layers.get(name) == ""]
        on = [f"landlock{self.landlock_abi}" if name == "landlock" else name for name in on]
        off = [name for name in LAYERS if self.layers.get(name) != ""]
        text = f"sandbox: tier {self.tier} [{' '.join(on)}]"
        if off:
            text += f" without {', '.join(off)}"
        if self.breaches:
            text += f"; BREACHED: {', '.join(self.breaches[:3])}"
        return text

    def table(self) -> list[tuple[str, str, str]]:
        """Rows of (layer, state, note); the note names reason, consequence and remedy of a missing layer."""
        rows = []
        for name in LAYERS:
            reason = self.layers.get(name, "not tried")
            note = "" if reason == "" else f"{reason}. Lost: {_CONSEQUENCES[name]}. Remedy: {_REMEDY[name]}."
            rows.append((name, "on" if reason == "" else "off", note))
        rows += [("attack", "BREACHED", breach) for breach in self.breaches]
        if not self.breaches:
            rows.append(("attack", "refused", f"every attack; {self.checked} protected files stayed unreadable"))
        return rows

    def advice(self, min_tier: Tier) -> str:
        """The message for a run that requires `min_tier`: the missing layers, their consequences and remedies."""
        lines = [f"UNSAFE: this machine offers isolation tier {self.tier}, but --min-tier {min_tier} is required."]
        lines += [f"  breached: {breach}" for breach in self.breaches[:MAX_SHOWN]]
        if len(self.breaches) > MAX_SHOWN:
            lines.append(f"  ... and {len(self.breaches) - MAX_SHOWN} more")
        if sys.platform != "linux":
            lines.append(f"  not Linux ({sys.platform}): use Linux for a better tier, as in a virtual machine")
        for name in LAYERS if sys.platform == "linux" else ():
            reason = self.layers.get(name, "not tried")
            if reason:
                lines.append(f"  missing {name}: {reason}")
                lines.append(f"    lost: {_CONSEQUENCES[name]}")
                lines.append(f"    fix: {_REMEDY[name]}")
        lines.append(f"  To accept it for this run (its records say so): --min-tier {self.tier}")
        return "\n".join(lines)


def probe(paths: Iterable[Path] = (), *, pool: BoxPool | None = None) -> Probe:
    """Attack a box and report which layers resist.

    Args:
        paths: Files and directories that no subject may read: the project's root, suites, specifications, the ledger.
            For a directory, up to MAX_FILES_PER_FOLDER files below it are tried.
        pool: The pool whose boxes are attacked; without one, a temporary pool is started.

    Raises:
        InfraError: if no box can be opened.
    """
    own = BoxPool(protect=[path if path.is_dir() else path.parent for path in paths]) if pool is None else None
    boxes = pool if pool is not None else own
    if boxes is None:  # pragma: no cover - one of the two always exists
        return Probe(Tier.E, {}, (), 0, "", 0)
    with contextlib.ExitStack() as stack:
        if own is not None:
            stack.callback(own.close)
        layers = boxes.layers
        if boxes.version != sys.version:
            raise InfraError(
                f"the box runs another Python ({boxes.version.split()[0]}) than pytest ({sys.version.split()[0]})",
                where=sys.executable,
                fix="use an interpreter whose shared library other users can read",
            )
        files = [str(file) for path in paths for file in _sample_files(path)]
        files += [str(file) for file in (Path.home() / ".ssh" / "known_hosts", Path("/etc/passwd")) if file.exists()]
        places = sorted({f"{_place(path)}{SUFFIX}" for path in paths} | {f"/tmp/crucible-{os.getpid()}{SUFFIX}"})
        try:
            breaches, pid = _run_attack(boxes, files, places)
        finally:
            for place in places:
                with contextlib.suppress(OSError):
                    Path(place).unlink()
        if layers.get("namespaces") == "" and pid != 1:
            layers["namespaces"] = "reported as active, but the box is not pid 1 of its own process namespace"
        if not _is_memory_limited(boxes):
            breaches.append("use four times its memory limit")
        tier = tier_of(layers)
        if breaches:
            tier = max(tier, Tier.D, key=lambda t: t.value)
        return Probe(tier, layers, tuple(breaches), boxes.landlock_abi, boxes.version.split()[0], len(files))


def _run_attack(pool: BoxPool, files: Sequence[str], places: Sequence[str]) -> tuple[list[str], int]:
    limits = Limits(call_seconds=10.0, load_seconds=5.0)
    try:
        with pool.open(ATTACK, entry="attack", limits=limits) as box:
            answer = box.call({"files": list(files), "places": list(places)})
        report = decode(answer.payload)
        return [str(breach) for breach in report["done"]], int(report["pid"])
    except (CodecError, KeyError, TypeError):
        return ["answer the probe with an invalid report"], 0
    except BoxFault as fault:
        # A kernel that kills instead of refusing stops the attack too, but the remaining attacks are then untested.
        return [f"end its box before the attack was complete ({fault.why})"], 0


def _is_memory_limited(pool: BoxPool) -> bool:
    limits = Limits(memory_bytes=16 * MIB, call_seconds=10.0)
    try:
        with pool.open(MEMORY_ATTACK, entry="hoard", limits=limits) as box:
            answer = box.call({"megabytes": 64})
        return answer.kind != "value"
    except BoxFault as fault:
        return fault.status in (Status.MEMORY, Status.CRASH)


def _sample_files(path: Path) -> list[Path]:
    """Files that the attack tries to read; for a directory, some of those in it or one level below."""
    if path.is_file():
        return [path]
    if not path.is_dir():
        return []
    found: list[Path] = []
    with contextlib.suppress(OSError):
        for pattern in ("*", "*/*"):
            found += sorted(file for file in path.glob(pattern) if file.is_file())[: MAX_FILES_PER_FOLDER - len(found)]
    return found[:MAX_FILES_PER_FOLDER]


def _place(path: Path) -> Path:
    return path / "x" if path.is_dir() else path
