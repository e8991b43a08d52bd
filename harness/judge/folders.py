"""Folders: the project root of a suite and the scratch folder of this user."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path


def project_root(path: Path) -> Path:
    """The nearest folder at or above a file that has a pyproject.toml, else the current one."""
    return next((folder for folder in path.parents if (folder / "pyproject.toml").is_file()), Path.cwd())


def scratch_folder() -> Path:
    """A folder for derived files that only this user can read; runs share it, and it may be deleted between runs."""
    folder = Path(tempfile.gettempdir()) / f"crucible-{os.geteuid()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
        private = stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077
    except OSError:
        private = False
    # In a shared /tmp another user may have made the folder first, to read or replace its files.
    return folder if private else Path(tempfile.mkdtemp(prefix="crucible-"))
