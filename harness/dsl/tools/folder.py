"""Folder: the files that a program can access. No path leaves it: neither `..`, nor a link, nor a device.

Each part of a path is opened below the part before it, and a link is never followed, so a command that changes files
concurrently cannot redirect a path.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path

from harness.core.errors import InfraError
from harness.core.status import Status
from harness.dsl.tools.fault import ToolFault
from harness.sandbox.quota import Quota, sizes

MAX_FILE_BYTES = 16 << 20  # maximum bytes of one file
MAX_FILES, MAX_FOLDER_BYTES = 2_000, 64 << 20  # maximum content of a folder that is copied or bundled
QUOTA = Quota(MAX_FOLDER_BYTES, MAX_FILES)  # maximum content of a folder to which the program itself writes
MACHINE_ERRORS = frozenset(
    (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM)
)
"""Errors of the machine, not of the program: the run stops, and a resume repeats the effect."""
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Folder:
    """An existing work directory.

    Args:
        root: Its trusted path; the path may be a link, entries below it may not.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self._room: list[int] | None = None

    def read(self, path: str) -> bytes:
        """Read a file.

        Raises:
            ToolFault: if it does not exist, is not a regular file, is too large, or lies outside the folder.
        """
        with self._parent(path, make=False) as (directory, name), _as_fault(path, "read"):
            # Not blocking: opening a named pipe must not hang.
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            descriptor = os.open(name, flags, dir_fd=directory)
            with os.fdopen(descriptor, "rb") as file:
                if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                    raise ToolFault(Status.WRONG, f"{path} is not a regular file")
                data = file.read(MAX_FILE_BYTES + 1)
        if len(data) > MAX_FILE_BYTES:
            raise ToolFault(Status.OUTPUT, f"{path} is larger than {MAX_FILE_BYTES >> 20} MiB")
        return data

    def exists(self, path: str) -> bool:
        """Whether a regular file has this path.

        Raises:
            ToolFault: if the path lies outside the folder.
        """
        try:
            with self._parent(path, make=False) as (directory, name), _as_fault(path, "reached"):
                return stat.S_ISREG(os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode)
        except ToolFault as fault:
            if fault.status is Status.FORBIDDEN:
                raise
            return False

    def write(self, path: str, data: bytes) -> None:
        """Write a file atomically; missing folders are created.

        Raises:
            ToolFault: if it cannot be written, is too large, lies outside the folder, or the folder is full.
            InfraError: if the disk is full or read-only.
        """
        if len(data) > MAX_FILE_BYTES:
            raise ToolFault(Status.OUTPUT, f"{len(data)} bytes for {path}, at most {MAX_FILE_BYTES} are written")
        self._take_room(len(data))
        with self._parent(path, make=True) as (directory, name), _as_fault(path, "written"):
            with contextlib.suppress(FileNotFoundError):
                if stat.S_ISDIR(os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode):
                    raise ToolFault(Status.WRONG, f"{path} is a folder")
            fresh = f".{secrets.token_hex(8)}.new"
            descriptor = os.open(
                fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644, dir_fd=directory
            )
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(data)
                os.replace(fresh, name, src_dir_fd=directory, dst_dir_fd=directory)
            except BaseException:
                with contextlib.suppress(OSError):
                    os.unlink(fresh, dir_fd=directory)
                raise

    def recount(self) -> None:
        """Count the folder again before the next file is written: something else wrote to it."""
        self._room = None

    def _take_room(self, size: int) -> None:
        """Take a file's share of what the folder may hold; what was replaced since the last count counts as well."""
        for room in (self._room, None):
            left = room or [QUOTA.bytes, QUOTA.files]
            if room is None:
                for one in sizes(self.root):
                    left = [left[0] - one, left[1] - 1]
            self._room = [left[0] - size, left[1] - 1]
            if min(self._room) >= 0:
                return
        self._room = None
        what = Status.OUTPUT
        raise ToolFault(what, f"the folder would hold more than {QUOTA.files} files or {QUOTA.bytes >> 20} MiB")

    def files(self) -> dict[str, bytes]:
        """Content of all regular files by sorted path; links and devices are left out.

        Raises:
            ToolFault: if they are too many or too large.
        """
        found: dict[str, bytes] = {}
        total = 0
        for directory, folders, names in os.walk(self.root):
            folders.sort()
            for name in sorted(names):
                full = Path(directory, name)
                if full.is_symlink() or not full.is_file():
                    continue
                path = full.relative_to(self.root).as_posix()
                found[path] = self.read(path)
                total += len(found[path])
                if len(found) > MAX_FILES or total > MAX_FOLDER_BYTES:
                    raise ToolFault(
                        Status.OUTPUT, f"the folder holds more than {MAX_FILES} files or {MAX_FOLDER_BYTES >> 20} MiB"
                    )
        return dict(sorted(found.items()))

    @contextlib.contextmanager
    def _parent(self, path: str, *, make: bool) -> Iterator[tuple[int, str]]:
        """A descriptor of the directory of a path's last part, and that part."""
        parts = [part for part in path.split("/") if part not in ("", ".")]
        if path.startswith("/") or ".." in parts:
            raise ToolFault(Status.FORBIDDEN, f"{path} lies outside the program's folder")
        if not parts or "\0" in path or len(path) > 1000:
            raise ToolFault(Status.WRONG, f"{path[:80]!r} is not a file path")
        with _as_fault(path, "reached"):
            directory = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for part in parts[:-1]:
                with _as_fault(path, "reached"):
                    if make:
                        with contextlib.suppress(FileExistsError):
                            os.mkdir(part, 0o755, dir_fd=directory)
                    below = os.open(part, _DIRECTORY, dir_fd=directory)
                os.close(directory)
                directory = below
            yield directory, parts[-1]
        finally:
            os.close(directory)


@contextlib.contextmanager
def _as_fault(path: str, verb: str) -> Iterator[None]:
    try:
        yield
    except (OSError, UnicodeError) as error:
        if isinstance(error, OSError) and error.errno in MACHINE_ERRORS:
            what = f"{path} cannot be {verb}: {error.strerror}"
            raise InfraError(what, fix="free what is missing, then resume") from error
        reason = (error.strerror if isinstance(error, OSError) else str(error)) or type(error).__name__
        # The kernel reports a link in the path as ELOOP, or as ENOTDIR where a folder was expected.
        raise ToolFault(Status.WRONG, f"{path} cannot be {verb}: {reason}") from error
