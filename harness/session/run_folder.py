"""RunFolder: the folder that the processes of one run share; the next run removes the folder of a killed run.

Imports nothing heavy.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from pathlib import Path

PREFIX = "crucible-run-"
LOCK = "owner.lock"
NEW_SECONDS = 60.0
"""A younger folder is never removed: it may not have its lock file yet."""
OLD_SECONDS = 24 * 3600.0
"""An older folder without a lock file is removed."""


class RunFolder:
    """A private folder in the temporary directory, which exists until its run ends.

    Attributes:
        path: The folder.
    """

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix=PREFIX))
        # Not inherited by boxes and workers: the lock must end with this process.
        self._descriptor = os.open(self.path / LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def remove(self) -> None:
        """Delete the folder and release its lock."""
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._descriptor)


def reap(folder: Path | None = None) -> list[Path]:
    """Remove folders of this user whose run was killed; the folder of a running run is locked.

    Args:
        folder: The parent of the folders; the temporary directory by default.

    Returns:
        The removed folders.
    """
    gone = []
    for path in sorted((folder or Path(tempfile.gettempdir())).glob(f"{PREFIX}*")):
        with contextlib.suppress(OSError):
            if _stale(path):
                shutil.rmtree(path)
                gone.append(path)
    return gone


def _stale(path: Path) -> bool:
    found = path.lstat()
    age = time.time() - found.st_mtime
    if found.st_uid != os.geteuid() or path.is_symlink() or not path.is_dir() or age < NEW_SECONDS:
        return False
    if not (path / LOCK).is_file():
        return age > OLD_SECONDS
    descriptor = os.open(path / LOCK, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True
