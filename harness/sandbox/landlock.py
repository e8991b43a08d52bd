"""Landlock: a process permanently restricts its own access to files, TCP, signals and abstract sockets.

Standard library only: zygotes load this module. See landlock(7); ABI 1 is Linux 5.13, 4 adds TCP, 6 adds scopes.
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat
import struct

from harness.sandbox.syscalls import syscall

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1, 2, 4, 8
_TRUNCATE, _IOCTL_DEV = 1 << 14, 1 << 15
_FILE_RIGHTS = EXECUTE | WRITE_FILE | READ_FILE | _TRUNCATE | _IOCTL_DEV
_MAKE_SPECIAL = 1 << 6 | 1 << 9 | 1 << 11  # character device, socket, block device
_FS_BITS = {1: 13, 2: 14, 3: 15, 4: 15}
READ = READ_FILE | READ_DIR | EXECUTE
_PATH_BENEATH = 1


def abi() -> int:
    """The kernel's Landlock ABI version; 0 without Landlock."""
    try:
        return syscall("landlock_create_ruleset", 0, 0, 1)
    except OSError:
        return 0


class Ruleset:
    """Rules that a zygote builds once and each box enforces with one system call."""

    def __init__(self) -> None:
        version = abi()
        if version < 1:
            raise OSError(errno.ENOSYS, "the kernel has no Landlock, or it is not among its active modules")
        self.abi = version
        self._handled = (1 << _FS_BITS.get(version, 16)) - 1
        tcp = 3 if version >= 4 else 0
        scope = 3 if version >= 6 else 0
        size = 8 if version < 4 else 16 if version < 6 else 24
        attribute = ctypes.create_string_buffer(struct.pack("QQQ", self._handled, tcp, scope)[:size], size)
        self.fd = syscall("landlock_create_ruleset", ctypes.addressof(attribute), size, 0)

    def allow(self, path: str, rights: int) -> None:
        """Allow `rights` on a file, or on everything beneath a directory.

        Raises:
            OSError: if the path cannot be opened; a rule is never skipped silently.
        """
        fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            if not stat.S_ISDIR(os.fstat(fd).st_mode):
                rights &= _FILE_RIGHTS
            rule = ctypes.create_string_buffer(struct.pack("=Qi", rights & self._handled, fd), 12)
            syscall("landlock_add_rule", self.fd, _PATH_BENEATH, ctypes.addressof(rule), 0)
        finally:
            os.close(fd)

    def allow_writing(self, path: str) -> None:
        """Allow everything beneath `path` except execution and the creation of devices or sockets."""
        self.allow(path, self._handled & ~EXECUTE & ~_MAKE_SPECIAL)

    def enforce(self) -> None:
        """Restrict this process permanently; "no new privileges" must be set before.

        Raises:
            OSError: if the kernel refuses.
        """
        syscall("landlock_restrict_self", self.fd, 0)
