"""OwnedFolder: a temporary folder that exists as long as its owner; a later process removes those of killed owners.

The owner holds a lock, which the kernel releases when the process ends, however it ends: no clock is read.
Imports nothing heavy.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from pathlib import Path
from types import TracebackType

PREFIX, SUFFIX = "crucible-", ".owned"
_reaped: set[str] = set()
"""The parents of folders that this process has looked at."""


class OwnedFolder:
    """A private folder in the temporary directory, which exists until `remove`; as a context manager it gives its path.

    The first one of a process removes the folders of killed owners (`reap`).

    Raises:
        OSError: if it cannot be made.
    """

    def __init__(self, kind: str) -> None:
        self._owner, parent = os.getpid(), tempfile.gettempdir()
        if parent not in _reaped:
            _reaped.add(parent)
            reap(Path(parent))
        self.path = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{kind}-", dir=parent))
        # Not inherited by the processes that are started: the lock must end with this one.
        self._lock = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        # Locked before it gets its last name: a folder of that name that can be locked has a dead owner, at any moment.
        with contextlib.suppress(OSError):  # a file system without locks: the folder is never taken for a dead one's
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self.path = self.path.rename(f"{self.path}{SUFFIX}")

    def remove(self) -> None:
        """Delete the folder and release its lock; a fork of its owner deletes nothing."""
        if os.getpid() != self._owner:
            return
        shutil.rmtree(self.path, ignore_errors=True)
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def __enter__(self) -> Path:
        return self.path

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.remove()


def reap(parent: Path) -> list[Path]:
    """Remove this user's folders whose owner has ended.

    Returns:
        The removed folders.
    """
    gone = []
    for path in sorted(parent.glob(f"{PREFIX}*{SUFFIX}")):
        with contextlib.suppress(OSError):
            lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW)
            try:
                if os.fstat(lock).st_uid == os.geteuid():
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(path)
                    gone.append(path)
            finally:
                os.close(lock)
    return gone
