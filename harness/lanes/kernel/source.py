"""Source: a kernel's file, read without following links, waiting for pipes or exceeding a size limit."""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from harness.core.digest import digest_bytes
from harness.core.errors import InfraError

MAX_BYTES = 1 << 20  # a longer file is not accepted


@dataclass(frozen=True, slots=True)
class Source:
    """The content of a file, or why it cannot be evaluated.

    Attributes:
        data: Its bytes; empty if it cannot be evaluated.
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
        InfraError: if this user may not read it, or the disk fails.
    """
    try:
        kind = os.lstat(path).st_mode
        if stat.S_ISLNK(kind):
            return Source(b"", "it is a symbolic link; only plain files are accepted")
        if not stat.S_ISREG(kind):
            return Source(b"", "it is not a plain file")
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EPERM, errno.EIO):
            raise InfraError(f"it cannot be read: {error.strerror}", where=str(path)) from error
        return Source(b"", f"it cannot be read: {error.strerror}")
    if len(data) > MAX_BYTES:
        return Source(b"", f"it has more than {MAX_BYTES >> 20} MiB")
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        return Source(b"", f"the file is not UTF-8 (byte {error.start})")
    return Source(data) if data.strip() else Source(b"", "the file is empty")
