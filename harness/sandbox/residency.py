"""Residency: no box sees whether another one has read a file, or looked for one, before it.

A page that is not in memory is read when it is touched, which the kernel counts (`ru_majflt`) and a clock shows.
Looking for a name that does not exist takes longer the first time. Reading may set a file's access time. So boxes
with a root of their own see a copy in a tmpfs, whose pages are always in memory and which remembers no missing names.
Where boxes see the machine's own files, their pages are locked in memory.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import fcntl
import functools
import mmap
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from harness.sandbox import root

KEEPER = "CRUCIBLE_KEEPER"
"""The environment variable that names the folder of a copy, for child processes. Each process that uses it holds a
shared lock of it; the last one to end removes it."""
PLACE = Path("/dev/shm")
_PREFIX = "crucible-library-"
MAX_SHARE = 16
"""At most one part in so many of the machine's memory is copied or locked."""
_LEFT_OUT = (".opt-1.pyc", ".opt-2.pyc")
_LOCKED, _POPULATE, _DONTFORK = 0x2000, 0x8000, 10
_FAILED = ctypes.c_void_p(-1).value


def library_copy() -> str | None:
    """The folder with a copy of what boxes may read, each file below it at its own path; None if there can be none.

    It is made once for this process and its child processes, and removed when the last of them ends.
    """
    found = _copied()
    if found is not None and not os.path.isdir(found):  # a process from which this one was forked has ended
        _copied.cache_clear()
        found = _copied()
    return found


@functools.cache
def _copied() -> str | None:
    known = os.environ.get(KEEPER, "")
    if known and (lock := _lock(known)) >= 0:
        if os.path.isdir(known):  # it may have been removed between
            atexit.register(_remove, known, lock, os.getpid())
            return known
        os.close(lock)
    if not os.path.ismount(PLACE):
        return None
    _remove_stale()
    folder = tempfile.mkdtemp(prefix=_PREFIX, dir=PLACE)
    try:
        lock = _lock(folder)  # open as long as this process lives: no other one takes it for stale
        os.chmod(folder, 0o755)  # noqa: S103 - boxes run as other users
        left = min(_memory() // MAX_SHARE, shutil.disk_usage(PLACE).free // 2)
        for path in _readable():
            left -= _copy(path, folder + path)
            if left < 0:
                raise OSError(f"{PLACE} is too small")
        for directory in root.library_directories():
            os.makedirs(folder + directory, exist_ok=True)
            for name, path in root.extension_libraries().items():
                if os.path.dirname(path) == directory and name != os.path.basename(path):
                    os.symlink(os.path.basename(path), f"{folder}{directory}/{name}")
        for directory in root.standard_library():
            shutil.copystat(directory, folder + directory)
    except OSError:
        shutil.rmtree(folder, ignore_errors=True)
        return None
    atexit.register(_remove, folder, lock, os.getpid())
    os.environ[KEEPER] = folder
    return folder


def _lock(folder: str) -> int:
    """A descriptor with a shared lock of a folder; -1 if there is none."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return -1
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:  # it is being removed
        os.close(descriptor)
        return -1
    return descriptor


def _copy(path: str, target: str) -> int:
    """Copy a file or folder with its times, since byte code is valid for one time of its source; return the bytes."""
    found = os.stat(path)
    if not os.path.isdir(path):
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copyfile(path, target)
        os.chmod(target, 0o555 if found.st_mode & 0o100 else 0o444)
        os.utime(target, ns=(found.st_mtime_ns, found.st_mtime_ns))
        return found.st_size
    os.makedirs(target, exist_ok=True)
    total = 0
    with os.scandir(path) as entries:
        for entry in entries:
            if entry.name not in root.TESTS and not entry.name.endswith(_LEFT_OUT) and not entry.is_symlink():
                total += _copy(entry.path, f"{target}/{entry.name}")
    os.utime(target, ns=(found.st_mtime_ns, found.st_mtime_ns))
    return total


def _remove_stale() -> None:
    """Remove what processes left that were killed."""
    for path in PLACE.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            if path.stat().st_uid != os.getuid() or path.is_symlink():
                continue
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(path, ignore_errors=True)
            finally:
                os.close(descriptor)


def _remove(folder: str, lock: int, user: int) -> None:
    """At the end of a process: remove a copy that no other one uses. Forked processes have the lock of their parent."""
    if os.getpid() == user:
        with contextlib.suppress(OSError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)


@functools.cache
def lock_libraries() -> str:
    """Keep the machine's own files that boxes may read in memory, as long as this process lives.

    Returns:
        Why it is not certain that they stay there; empty if it is. They were read in any case, except off Linux.
    """
    if sys.platform != "linux":
        return "pages are kept in memory on Linux only"
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
    left, reason = _memory() // MAX_SHARE, ""
    for path in _files():
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            continue  # what this user cannot read, no box can
        try:
            size = os.fstat(descriptor).st_size
            left -= size
            for how in (_LOCKED, _POPULATE) if left >= 0 else (_POPULATE,):
                place = libc.mmap(None, size, mmap.PROT_READ, mmap.MAP_SHARED | how, descriptor, 0) if size else _FAILED
                if place != _FAILED or not size:
                    break
                reason = reason or f"not all pages may be locked: {os.strerror(ctypes.get_errno())} (ulimit -l)"
        finally:
            os.close(descriptor)
        if place != _FAILED:
            libc.madvise(ctypes.c_void_p(place), ctypes.c_size_t(size), _DONTFORK)
    return reason or ("" if left >= 0 else f"the pages are more than 1/{MAX_SHARE} of the memory")


def _memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _readable() -> list[str]:
    return list(dict.fromkeys(root.readable()[1]))


def _files() -> Iterator[str]:
    for path in _readable():
        if not os.path.isdir(path):
            yield path
        for folder, _, names in os.walk(path):
            yield from (os.path.join(folder, name) for name in names)
