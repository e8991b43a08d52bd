"""Namespaces and the root directory of a box. Standard library only: zygotes load this module.

The user, network, IPC, UTS, cgroup and first mount namespace, and the pivoted root, are created once per zygote. Each
box then adds a process namespace and a mount namespace of its own with a fresh work directory, which is cheaper than
creating all of them again.
"""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Collection, Iterable, Mapping

from harness.sandbox.syscalls import NUMBERS, syscall

NEWNS, NEWCGROUP, NEWUTS, NEWIPC = 0x00020000, 0x02000000, 0x04000000, 0x08000000
NEWUSER, NEWPID, NEWNET = 0x10000000, 0x20000000, 0x40000000
CLONE_PIDFD, SIGCHLD = 0x1000, 17
_RDONLY, _NOSUID, _NODEV, _NOEXEC, _REMOUNT, _BIND, _REC, _PRIVATE = 1, 2, 4, 8, 32, 4096, 16384, 1 << 18
_NOATIME = 1024
_DETACH = 2
# Flags a remount inside a user namespace must repeat, because the kernel locked them: (statvfs flag, mount flag).
_LOCKED = ((8, 8), (1024, 1024), (2048, 2048), (4096, 1 << 21))
WORK_PARENT = "/box"
"""Parent of the work directory. Landlock rules name this folder, because each box mounts its own directory in it."""
WORK = "/box/work"
DEVICES = ("null", "zero", "urandom")

_libc = ctypes.CDLL(None, use_errno=True)


def _mount(source: str | None, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
    def text(value: str | None) -> bytes | None:
        return None if value is None else os.fsencode(value)

    if _libc.mount(text(source), text(target), text(kind), ctypes.c_ulong(flags), text(data)) < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"mount {kind or 'bind'} on {target}: {os.strerror(code)}")


def unshare_zygote() -> None:
    """Enter new namespaces; an unprivileged user also enters a new user namespace.

    Raises:
        OSError: if the kernel, a container or AppArmor refuses.
    """
    flags = NEWNS | NEWNET | NEWIPC | NEWUTS | NEWCGROUP
    if os.getuid() == 0:
        syscall("unshare", flags)
        return
    uid, gid = os.getuid(), os.getgid()
    syscall("unshare", flags | NEWUSER)
    for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def build_root(binds: Mapping[str, str], masks: Iterable[str]) -> None:
    """Replace the root by a tmpfs with read-only binds of `binds`, three devices and an empty work directory.

    Args:
        binds: For each absolute path of a directory or file what is bound there.
        masks: Paths below a bind that are hidden by an empty mount.

    Raises:
        OSError: if a mount is refused.
    """
    _mount(None, "/", None, _REC | _PRIVATE)
    base = next((d for d in ("/tmp", "/var/tmp", "/run", "/mnt") if os.path.isdir(d)), "/")
    # The tmpfs covers everything below `base`, so every source is opened first.
    sources = {path: os.open(source, os.O_PATH | os.O_CLOEXEC) for path, source in binds.items()}
    devices = {name: os.open(f"/dev/{name}", os.O_PATH | os.O_CLOEXEC) for name in DEVICES}
    _mount("tmpfs", base, "tmpfs", _NOSUID | _NODEV, "size=1m,nr_inodes=1024,mode=755")
    for path, fd in sources.items():
        target = base + path
        if os.path.isdir(f"/proc/self/fd/{fd}"):
            os.makedirs(target, exist_ok=True)
        else:
            os.makedirs(os.path.dirname(target), exist_ok=True)
            _touch(target)
        _bind(fd, target)
    for link in ("/lib", "/lib64", "/lib32", "/usr/lib64"):
        if os.path.islink(link) and not os.path.lexists(base + link):
            os.makedirs(os.path.dirname(base + link), exist_ok=True)
            os.symlink(os.readlink(link), base + link)
    for directory in ("/dev", WORK):
        os.makedirs(base + directory, exist_ok=True)
    for name, fd in devices.items():
        target = f"{base}/dev/{name}"
        _touch(target)
        _bind(fd, target, devices=True)
    for path in masks:
        _mask(base + path, devices["null"])
    os.chdir(base)
    if _libc.syscall(ctypes.c_long(NUMBERS["pivot_root"]), b".", b".") < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"pivot_root: {os.strerror(code)}")
    if _libc.umount2(b".", _DETACH) < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"umount of the old root: {os.strerror(code)}")
    os.chdir("/")
    _hide_parent_folders(binds)
    _mount(None, "/", None, _REMOUNT | _BIND | _RDONLY | _NOSUID | _NODEV)
    for fd in (*sources.values(), *devices.values()):
        os.close(fd)


def _hide_parent_folders(binds: Collection[str]) -> None:
    """Make the parent folders of the binds traversable but not listable: their entries would reveal the machine."""
    inside = [*binds, *(f"/dev/{name}" for name in DEVICES), WORK]
    skeleton = {parent for path in inside for parent in _parents(path)} - set(binds)
    for directory in skeleton:
        if not any(directory.startswith(bind + "/") for bind in binds):
            os.chmod(directory, 0o111)  # noqa: S103 - permits traversal only


def _parents(path: str) -> list[str]:
    found = []
    while path != "/":
        path = os.path.dirname(path)
        found.append(path)
    return found


def _touch(path: str) -> None:
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o444))


def _bind(fd: int, target: str, *, devices: bool = False) -> None:
    source = f"/proc/self/fd/{fd}"
    try:
        _mount(source, target, None, _BIND)
    except OSError as error:
        # In a user namespace a tree with locked mounts below it can only be bound whole.
        if error.errno != errno.EINVAL:
            raise
        _mount(source, target, None, _BIND | _REC)
    if devices:
        return
    kept = os.statvfs(target).f_flag
    locked = sum(flag for seen, flag in _LOCKED if kept & seen)
    _mount(None, target, None, _REMOUNT | _BIND | _RDONLY | _NOSUID | _NODEV | locked)


def _mask(target: str, null: int) -> None:
    if os.path.isdir(target):
        _mount("tmpfs", target, "tmpfs", _RDONLY | _NOSUID | _NODEV | _NOEXEC, "size=4k,nr_inodes=1,mode=0")
    elif os.path.exists(target):
        _bind(null, target, devices=True)


_pidfd = ctypes.c_int(-1)


def clone_box(namespaces: int) -> tuple[int, int]:
    """Fork a child into new namespaces (NEWPID, so that it is pid 1 there, or with NEWNS its own mounts too).

    The caller must be single-threaded and hold no lock: the interpreter's own hooks, which repair threads and locks
    after a fork and touch many pages, are left out. Returns (0, -1) in the child and (pid, pidfd) in the parent.

    Raises:
        OSError: if the kernel refuses.
    """
    pid = syscall("clone", namespaces | CLONE_PIDFD | SIGCHLD, 0, ctypes.addressof(_pidfd))
    return (pid, _pidfd.value) if pid else (0, -1)


def mount_work(size: int, inodes: int) -> None:
    """Mount an empty work directory of at most `size` bytes and `inodes` files and enter it.

    Raises:
        OSError: if the mount is refused.
    """
    flags = _NOSUID | _NODEV | _NOEXEC | _NOATIME
    _mount("tmpfs", WORK, "tmpfs", flags, f"size={size},nr_inodes={inodes},mode=777")
    os.chdir(WORK)


class UnusedWork:
    """Tells whether a box used the work directory that it shares with the boxes after it.

    Emptying the directory would not be enough: its times and mode, and the number of the next inode, would still tell
    the next box something. So a used directory is not used again.

    Raises:
        OSError: ENOTSUP where the file system does not number its inodes one by one.
    """

    def __init__(self) -> None:
        self._fstat, self._stat = os.fstat, os.stat  # the guard replaces those of `os`, before boxes are forked
        self._last = self._next_inode()
        self._state = self._directory()
        if not self.is_unused():
            raise OSError(errno.ENOTSUP, "inodes of a tmpfs are not numbered one by one")

    def is_unused(self) -> bool:
        """Whether no file was created, even one that is gone, and nothing of the directory itself changed."""
        expected = self._last + 1
        try:
            self._last = self._next_inode()
            return self._last == expected and self._directory() == self._state
        except OSError:
            return False  # the box left no room for another file

    def _next_inode(self) -> int:
        fd = os.open(WORK, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
        number = self._fstat(fd).st_ino
        os.close(fd)
        return number

    def _directory(self) -> tuple[int, ...]:
        seen = self._stat(WORK)
        times = seen.st_atime_ns, seen.st_mtime_ns, seen.st_ctime_ns
        return (seen.st_mode, seen.st_uid, seen.st_gid, seen.st_nlink, seen.st_size, *times)
