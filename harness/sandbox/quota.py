"""Quota: the disk that a subject may use. Standard library only: zygotes load this module.

A box with a root of its own has a tmpfs of the size of `WORK`, so the kernel refuses what is more. Where a subject may
write nothing (boxes without a root, recorders of kernels), RLIMIT_FSIZE is 0. Where it writes to a folder of the
machine (granted commands, jobs that compile), the folder is counted while it runs.
"""

from __future__ import annotations

import contextlib
import os
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass

MIB = 1 << 20
_INTERVAL = 0.25
"""Seconds between two counts."""
_SHARE = 20
"""A count takes at most one part in so many of the time."""


@dataclass(frozen=True)
class Quota:
    """Disk that a subject may use.

    Attributes:
        bytes: Bytes of all files; a sparse file counts as if it had no holes.
        files: Number of files and folders.
    """

    bytes: int
    files: int

    def excess(self, folder: str | os.PathLike[str], *, group: int | None = None) -> str:
        """The excess of a folder over the quota, as a clause; empty if there is none.

        Args:
            folder: Its links are not followed.
            group: A process group, whose open files without a name count as well.
        """
        total = count = 0
        for size in sizes(folder, group=group):
            total, count = total + size, count + 1
            if total > self.bytes:
                return f"wrote more than {self.bytes >> 20} MiB"
            if count > self.files:
                return f"made more than {self.files} files"
        return ""


WORK = Quota(8 * MIB, 256)
"""Of a box."""


class Watch:
    """Counts a folder now and then.

    Args:
        quota: What the folder may hold.
        folder: The folder.
        group: See `Quota.excess`.
    """

    def __init__(self, quota: Quota, folder: str | os.PathLike[str], *, group: int | None = None) -> None:
        self._quota, self._folder, self._group = quota, folder, group
        self._due = time.monotonic() + _INTERVAL

    def excess(self, *, now: bool = False) -> str:
        """See `Quota.excess`; empty, too, if the last count was a moment ago and `now` is false."""
        begun = time.monotonic()
        if begun < self._due and not now:
            return ""
        found = self._quota.excess(self._folder, group=self._group)
        ended = time.monotonic()
        self._due = ended + max(_INTERVAL, _SHARE * (ended - begun))
        return found


def sizes(folder: str | os.PathLike[str], *, group: int | None = None) -> Iterator[int]:
    """The bytes of each file and folder below a folder; see `Quota.excess`."""
    waiting = [os.fspath(folder)]
    while waiting:
        # The subject may remove what was listed a moment ago.
        with contextlib.suppress(OSError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                with contextlib.suppress(OSError):
                    found = entry.stat(follow_symlinks=False)
                    yield max(found.st_size, 512 * found.st_blocks)
                    if stat.S_ISDIR(found.st_mode):
                        waiting.append(entry.path)
    if group is not None:
        yield from _unnamed(group)


def _unnamed(group: int) -> Iterator[int]:
    """The sizes of files that processes of a group hold open and that have no name any more."""
    seen = set()
    for process in filter(str.isdigit, os.listdir("/proc") if os.path.isdir("/proc") else ()):
        with contextlib.suppress(OSError):
            if os.getpgid(int(process)) != group:
                continue
            for number in os.listdir(f"/proc/{process}/fd"):
                with contextlib.suppress(OSError):
                    found = os.stat(f"/proc/{process}/fd/{number}")
                    if stat.S_ISREG(found.st_mode) and not found.st_nlink and (found.st_dev, found.st_ino) not in seen:
                        seen.add((found.st_dev, found.st_ino))
                        yield max(found.st_size, 512 * found.st_blocks)
