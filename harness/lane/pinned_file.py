"""Pinned files: read safely when a suite is collected, and compared with that state when a case is judged."""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from harness.core.digest import digest_bytes
from harness.core.errors import InfraError, SuiteError
from harness.core.named_path import read_file


class Fault(Enum):
    """Why a file of unknown content cannot be read."""

    LINK = "a symbolic link"
    SPECIAL = "a directory, pipe, socket or device"
    LARGE = "larger than its bound"
    ABSENT = "missing, or another error of its path"
    REFUSED = "no permission, or a disk error: not the fault of the file's author"


class FileFaultError(Exception):
    """A file that cannot be read.

    Attributes:
        detail: What identifies the file in place of its bytes.
    """

    def __init__(self, kind: Fault, why: str, detail: str) -> None:
        self.kind, self.detail = kind, detail
        super().__init__(why)


def read_plain_file(path: Path, *, max_bytes: int, tail: bool = False) -> bytes:
    """The bytes of a plain file; links are not followed, pipes are not waited for.

    Args:
        max_bytes: Size bound.
        tail: Return the last `max_bytes` of a longer file.

    Raises:
        FileFaultError: if it is not a plain file within the bound, or cannot be read.
    """
    try:
        state = os.lstat(path)
        if stat.S_ISLNK(state.st_mode):
            why = "it is a symbolic link; only plain files are judged"
            raise FileFaultError(Fault.LINK, why, str(path.readlink()))
        if stat.S_ISREG(state.st_mode):
            # O_NONBLOCK: the file may have been replaced by a pipe since; opening that must not wait for a writer.
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            with os.fdopen(descriptor, "rb") as file:
                state = os.fstat(descriptor)
                if stat.S_ISREG(state.st_mode):
                    file.seek(max(0, state.st_size - max_bytes) if tail else 0)
                    data = file.read(max_bytes + (not tail))
    except ValueError as error:  # a NUL or a lone surrogate in its name
        raise FileFaultError(Fault.ABSENT, f"it cannot be read: {error}", path.name) from error
    except OSError as error:
        is_refused = error.errno in (errno.EACCES, errno.EPERM, errno.EIO)
        why = f"it cannot be read: {error.strerror}"
        raise FileFaultError(Fault.REFUSED if is_refused else Fault.ABSENT, why, path.name) from error
    if not stat.S_ISREG(state.st_mode):
        kind = "a directory" if stat.S_ISDIR(state.st_mode) else "not a plain file"
        raise FileFaultError(Fault.SPECIAL, f"it is {kind}; only plain files are judged", path.name)
    if len(data) > max_bytes:
        size = max(state.st_size, len(data))
        why = f"it has {size / (1 << 20):.1f} MiB, more than {max_bytes >> 10} KiB"
        raise FileFaultError(Fault.LARGE, why, f"{size}:{digest_bytes(data)}")
    return data


def text_fault(data: bytes) -> str:
    """Why the bytes of a source file cannot be judged; empty if they can."""
    if not data.strip():
        return "the file is empty"
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        return f"the file is not UTF-8 (byte {error.start})"
    return ""


@dataclass(frozen=True, slots=True)
class TextFile:
    """The content of a file of text, or why it cannot be evaluated.

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


def read_text_file(path: Path, *, max_bytes: int, is_checked: bool = True) -> TextFile:
    """Read an untrusted file of text, without following links, waiting for pipes or exceeding a size.

    Args:
        is_checked: Whether a file that is empty or not UTF-8 is a fault here; if not, the caller reports it.

    Raises:
        InfraError: without permission, or if the disk fails: neither is the fault of the file's author.
    """
    try:
        data = read_plain_file(path, max_bytes=max_bytes)
    except FileFaultError as fault:
        if fault.kind is Fault.REFUSED:
            raise InfraError(str(fault), where=str(path)) from fault
        return TextFile(b"", str(fault))
    why = text_fault(data) if is_checked else ""
    return TextFile(b"" if why else data, why)


def pin(path: Path) -> dict[str, str]:
    """The entry of a trusted file in a case's inputs: its path, and the SHA-256 of its bytes.

    Raises:
        SuiteError: if it cannot be read.
    """
    try:
        return {"path": str(path), "digest": digest_bytes(read_file(path))}
    except OSError as error:
        raise SuiteError(f"it cannot be read: {error.strerror}", where=str(path)) from None


def read_pinned(path: str, digest: str) -> bytes:
    """The bytes of a pinned file.

    Raises:
        InfraError: if the file changed since it was collected.
    """
    data = read_file(Path(path))
    require_unchanged(path, digest, digest_bytes(data))
    return data


def require_unchanged(path: str | Path, pinned: str, found: str) -> None:
    """Compare the digest of a file with the one it had when it was collected.

    Raises:
        InfraError: if they differ.
    """
    if found != pinned:
        raise InfraError("the file changed since it was collected", where=str(path), fix="run again")
