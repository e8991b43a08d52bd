"""Source: a kernel's file, read without following links, waiting for pipes or exceeding a size limit."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from harness.core.digest import digest_bytes
from harness.core.errors import InfraError
from harness.lane.pinned_file import Fault, FileFaultError, read_plain_file, text_fault

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
        InfraError: without permission, or if the disk fails: neither is the kernel's fault.
    """
    try:
        data = read_plain_file(path, max_bytes=MAX_BYTES)
    except FileFaultError as fault:
        if fault.kind is Fault.REFUSED:
            raise InfraError(str(fault), where=str(path)) from fault
        return Source(b"", str(fault))
    why = text_fault(data)
    return Source(b"" if why else data, why)
