"""OS fault: how a user fixes what the file system reports."""

from __future__ import annotations

import errno

NAME_A_FILE = "name a file"

_FIXES = {
    errno.ENOENT: "check the path: a file or a folder of it does not exist",
    errno.EACCES: "change the permissions, or name a place that this user may read and write",
    errno.EPERM: "change the permissions, or name a place that this user may read and write",
    errno.EROFS: "name a place on a disk that can be written",
    errno.EISDIR: NAME_A_FILE,
    errno.ENOTDIR: "check the path: a part of it is a file, not a folder",
    errno.ELOOP: "remove the symbolic link that leads back to itself",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.ENOSPC: "make room, or name a file on another disk",
    errno.EDQUOT: "make room, or name a file on another disk",
    errno.EMFILE: "raise the limit of open files (ulimit -n)",
}


def fix_of(error: OSError) -> str:
    """How to fix an error of the file system, by its number; `NAME_A_FILE` for one that the table does not have."""
    return _FIXES.get(error.errno or 0, NAME_A_FILE)
