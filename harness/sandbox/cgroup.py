"""Cgroup: memory accounting and a memory limit that also cover memfd, tmpfs and shared mappings.

Each zygote process has its own group and its boxes inherit it. No process is moved while a box starts, since a move
waits for a grace period of the kernel. One box runs in a group at a time; peaks and counters are read as differences.
"""

from __future__ import annotations

import errno
import itertools
import os
import time
from functools import cache
from pathlib import Path

MOUNT = Path("/sys/fs/cgroup")
REMOVE_TRIES = 200
SLACK_BYTES = 4 << 20
"""Bytes that may stay charged between boxes, for kernel caches of the zygote itself."""
_serial = itertools.count()


class ResidualMemoryError(OSError):
    """Memory charged to earlier boxes cannot be reclaimed."""


class Cgroup:
    """A group for one zygote and its boxes, on cgroups v1 or v2.

    Attributes:
        version: 1 or 2.
        empty: Bytes in use before the first box.
        baseline: Bytes in use when the current box was opened; close to `empty`.
    """

    def __init__(self, version: int, memory: Path, pids: Path | None) -> None:
        self.version, self._memory, self._pids = version, memory, pids
        self.empty = self.baseline = 0
        self._limit = -1
        peak, limit, usage = (
            ("memory.peak", "memory.max", "memory.current")
            if version == 2
            else ("memory.max_usage_in_bytes", "memory.limit_in_bytes", "memory.usage_in_bytes")
        )
        self._usage_file = _open(memory / usage, os.O_RDONLY)
        self._kills_file = _open(memory / ("memory.events" if version == 2 else "memory.oom_control"), os.O_RDONLY)
        self._limit_path = memory / limit
        try:
            # Writing resets the peak; on v2 the reset is private to this very descriptor (Linux 6.12).
            self._peak_file: int | None = _open(memory / peak, os.O_RDWR)
        except OSError:
            self._peak_file = None
        self._swap_limit()

    @classmethod
    def create(cls, *, processes: int = 4096) -> Cgroup:
        """Create a group below the group of this process, so that the limits of that group still apply.

        Raises:
            OSError: if no group can be created; the message names the reason.
        """
        remove_stale_groups()
        name = f"crucible-{os.getuid()}-{os.getpid()}-{next(_serial)}"
        controllers = _controllers()
        if "memory" in controllers:
            memory = _make(MOUNT / "memory", controllers["memory"], name)
            pids = None
            try:
                if "pids" in controllers:
                    pids = _make(MOUNT / "pids", controllers["pids"], name)
                    _write(pids / "pids.max", str(processes))
                return cls(1, memory, pids)
            except OSError:
                _remove(memory)
                if pids is not None:
                    _remove(pids)
                raise
        mount = MOUNT if (MOUNT / "cgroup.controllers").exists() else MOUNT / "unified"
        if not (mount / "cgroup.controllers").exists():
            raise OSError(errno.ENOENT, "no cgroup file system is mounted")
        own = mount / controllers.get("", "/").lstrip("/")
        for parent in (own, own.parent):
            try:
                enabled = (parent / "cgroup.subtree_control").read_text().split()
            except OSError:
                continue
            if "memory" in enabled and parent.is_relative_to(mount):
                group = parent / name
                group.mkdir()
                if "pids" in enabled:
                    _write(group / "pids.max", str(processes))
                return cls(2, group, None)
        raise OSError(errno.EACCES, "the memory controller is not delegated to this user")

    def adopt(self, pid: int) -> None:
        """Move a zygote process into the group; its boxes inherit the group.

        Raises:
            OSError: if the kernel refuses.
        """
        for group in (self._memory, self._pids):
            if group is not None:
                _write(group / "cgroup.procs", str(pid))

    def reset(self, budget: int) -> None:
        """Prepare the group for the next box: reclaim memory of the last one, allow `budget` bytes, reset the peak.

        Memory that earlier boxes left charged (file cache, directory entries) would raise the limit and hide a peak,
        so it is reclaimed first.

        Raises:
            ResidualMemoryError: if it cannot be reclaimed; the caller must replace the zygote process.
        """
        used = self.usage()
        if not self.empty:
            self.empty = used
        if used > self.empty + SLACK_BYTES:
            self._reclaim(used - self.empty)
            used = self.usage()
            if used > self.empty + SLACK_BYTES:
                raise ResidualMemoryError(f"{used - self.empty} bytes of earlier boxes stay charged")
        self.baseline = used
        limit = used + budget
        # Rounded up to 1 MiB, so that a repeated budget usually needs no write.
        limit = (limit + (1 << 20) - 1) >> 20 << 20
        if limit != self._limit:
            _write(self._limit_path, str(limit))
            self._limit = limit
        if self._peak_file is not None:
            try:
                os.pwrite(self._peak_file, b"0", 0)
            except OSError:
                # Before Linux 6.12 a v2 peak cannot be reset: it would be the maximum over all boxes so far.
                os.close(self._peak_file)
                self._peak_file = None

    def _reclaim(self, size: int) -> None:
        name, text = ("memory.reclaim", str(size)) if self.version == 2 else ("memory.force_empty", "0")
        try:
            _write(self._memory / name, text)
        except OSError:
            return  # partial reclaim, or an older kernel without this file: the caller checks the usage

    def usage(self) -> int:
        """Current memory usage of the group in bytes."""
        return int(os.pread(self._usage_file, 32, 0))

    def peak(self) -> int | None:
        """Peak usage in bytes since `reset`, above the baseline; None where the kernel does not report it."""
        if self._peak_file is None:
            return None
        return max(0, int(os.pread(self._peak_file, 32, 0)) - self.baseline)

    def kills(self) -> int:
        """Number of processes of this group that the kernel's out-of-memory killer ended."""
        for line in os.pread(self._kills_file, 4096, 0).splitlines():
            key, _, value = line.partition(b" ")
            if key == b"oom_kill":
                return int(value)
        return 0

    def close(self) -> None:
        """Remove the group; its processes must have ended."""
        os.close(self._usage_file)
        os.close(self._kills_file)
        if self._peak_file is not None:
            os.close(self._peak_file)
        for group in (self._memory, self._pids):
            if group is not None:
                _remove(group)

    def _swap_limit(self) -> None:
        # Swapped-out memory would escape the limit; kernels without swap accounting lack the file.
        if self.version == 2 and (self._memory / "memory.swap.max").exists():
            _write(self._memory / "memory.swap.max", "0")
        swappiness = self._memory / "memory.swappiness"
        if self.version == 1 and swappiness.exists():
            _write(swappiness, "0")


@cache
def remove_stale_groups() -> int:
    """Remove groups of killed sessions and return their number; runs once per process.

    A killed session may have run in another group (a service, a login), so sibling groups are searched too.
    """
    removed = 0
    for name, own in _controllers().items():
        mount = MOUNT / name if name else MOUNT
        parent = mount / own.lstrip("/")
        pattern = f"crucible-{os.getuid()}-*"
        above = parent.parent if parent != mount else parent
        for group in {*parent.glob(pattern), *above.glob(pattern), *above.glob(f"*/{pattern}")}:
            owner = group.name.split("-")[2]
            if owner.isdecimal() and not Path(f"/proc/{owner}").exists():
                try:
                    group.rmdir()
                    removed += 1
                except OSError:
                    continue  # a process is still inside: its zygote ends soon, since its parent has ended
    return removed


def _controllers() -> dict[str, str]:
    """Path of this process's group by v1 controller name; the v2 group has the empty name."""
    found: dict[str, str] = {}
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return found
    for line in lines:
        _, names, path = line.split(":", 2)
        found.update(dict.fromkeys(names.split(","), path))
    return found


def _make(mount: Path, own: str, name: str) -> Path:
    # In a container the path of our group may lie outside the mounted tree: then the mount's root is our group.
    parent = mount / own.lstrip("/")
    group = (parent if parent.is_dir() else mount) / name
    group.mkdir()
    return group


def _remove(group: Path) -> None:
    for _ in range(REMOVE_TRIES):
        try:
            group.rmdir()
        except FileNotFoundError:
            return
        except OSError as error:
            if error.errno != errno.EBUSY:
                return  # a later session removes it
            time.sleep(0.005)
        else:
            return


def _open(path: Path, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC)


def _write(path: Path, text: str) -> None:
    fd = _open(path, os.O_WRONLY)
    try:
        os.write(fd, text.encode())
    finally:
        os.close(fd)
