"""Named path: the file that a name from outside refers to, if there is one, and how it is written."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
from pathlib import Path

from harness.core.replaced_file import replace_file


def named_path(folder: Path, name: str) -> Path | None:
    """The resolved path of an existing file or folder; None for any name that refers to none.

    pathlib raises for some of those: a name that is too long, has a NUL or a lone surrogate, or leads into a folder
    that may not be read or round a loop of links.
    """
    try:
        return (folder / name).resolve(strict=True)
    except (OSError, ValueError, RuntimeError):
        return None


def named_paths(folder: Path, pattern: str) -> list[Path]:
    """What a pattern matches in a folder, sorted; empty for a pattern that pathlib or the file system refuses."""
    try:
        return sorted(folder.glob(pattern))
    except (OSError, ValueError, RuntimeError, NotImplementedError, IndexError):  # IndexError: the pattern `.`
        return []


def shortened(text: str) -> str:
    """A message in which no path says where on this machine the work is done.

    Paths below the working directory become relative to it, others below the home directory begin with `~`.
    """
    folders = []
    with contextlib.suppress(OSError):  # it was removed
        folders.append((Path.cwd(), ""))
    with contextlib.suppress(RuntimeError):  # the user has none
        folders.append((Path.home(), "~/"))
    for folder, shown in folders:
        if folder.parent != folder:  # not the root
            text = re.sub(rf"(?<![\w./-]){re.escape(str(folder))}/", shown, text)
    return text


def read_file(path: Path, max_bytes: int | None = None) -> bytes:
    """The bytes of a file that a user named, at most one more than `max_bytes`; a pipe without a writer is empty.

    Raises:
        OSError: if it cannot be read, or is a device, which may have no end.
    """
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
    with open(path, "rb", opener=lambda name, _flags: os.open(name, flags)) as file:
        mode = os.fstat(file.fileno()).st_mode
        if stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
            raise OSError(errno.EINVAL, "it is a device", str(path))
        os.set_blocking(file.fileno(), True)
        return file.read(-1 if max_bytes is None else max_bytes + 1)


def write_file(path: Path, data: bytes) -> None:
    """Write a file that a user named: a reader sees the old content or the new one, and a link stays a link.

    A regular file is replaced and keeps its mode; folders are made. A device, or a pipe that a process reads, is
    written into and never replaced.

    Raises:
        OSError: if it cannot be written; the old content is still there.
    """
    mode = _mode(path)
    if not stat.S_ISREG(mode):
        _write_into(path, data)
        return
    path = _replaceable(path)
    replace_file(path, data, mode=stat.S_IMODE(mode))


def require_writable(path: Path) -> None:
    """Check before the work that `write_file` can write its result; folders are made as it makes them.

    Raises:
        OSError: if it cannot.
    """
    mode = _mode(path)
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(mode):
        return
    path = _replaceable(path)
    probe = path.with_name(f".new-{os.urandom(8).hex()}")  # `os.access` knows of no quota, and of few read-only folders
    os.close(os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    probe.unlink()


def _mode(path: Path) -> int:
    """The type and permissions of a file; those of a new one if it does not exist."""
    try:
        return path.stat().st_mode
    except FileNotFoundError:
        return stat.S_IFREG | 0o644
    except ValueError as error:
        raise OSError(errno.EINVAL, str(error)) from None


def _replaceable(path: Path) -> Path:
    """The file that a name leads to; its folders are made."""
    path = path.resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
    return path


def _write_into(path: Path, data: bytes) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)  # a pipe without a reader does not block
    except OSError as error:
        if error.errno != errno.ENXIO:
            raise
        raise OSError(errno.ENXIO, "it is not a regular file, and no process reads it", str(path)) from error
    os.set_blocking(descriptor, True)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
