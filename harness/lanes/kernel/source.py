"""Source: a kernel's file, read without following links, waiting for pipes or reading more than can be judged."""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from harness.core.digest import digest_bytes
from harness.core.errors import InfraError

LARGEST = 1 << 20
"""Bytes; a longer file is no kernel."""


@dataclass(frozen=True, slots=True)
class Source:
    """What a file holds, or why it cannot be judged.

    Attributes:
        data: Its bytes; empty if it cannot be judged.
        fault: Why it cannot; empty if it can.
    """

    data: bytes
    fault: str = ""

    @property
    def digest(self) -> str:
        """Identity of the file, or of its fault."""
        return digest_bytes(self.data or f"\0{self.fault}".encode("utf-8", "surrogateescape"))


def read_source(path: Path) -> Source:
    """Read a kernel's file.

    Raises:
        InfraError: if this user may not, or the disk fails: neither is the kernel's fault.
    """
    try:
        kind = os.lstat(path).st_mode
        if stat.S_ISLNK(kind):
            return Source(b"", "it is a symbolic link; only plain files are judged")
        if not stat.S_ISREG(kind):
            return Source(b"", "it is no plain file")
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EPERM, errno.EIO):
            raise InfraError(f"it cannot be read: {error.strerror}", where=str(path)) from error
        return Source(b"", f"it cannot be read: {error.strerror}")
    if len(data) > LARGEST:
        return Source(b"", f"it has more than {LARGEST >> 20} MiB")
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        return Source(b"", f"the file is not UTF-8 (byte {error.start})")
    return Source(data) if data.strip() else Source(b"", "the file is empty")
