"""Instructions: how many a process executes, counted by the processor: a second opinion that no neighbour can disturb.

Counting is from outside (perf_event_open(2)), user mode only, so the box stays closed. Many virtual machines and
containers have no such counters; then there is no second opinion, and nothing is lost but that. Callgrind counts
anywhere, but runs the program inside itself: foreign code would have to leave its box for it.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
from types import TracebackType
from typing import Self

HARDWARE, SOFTWARE = 0, 1
INSTRUCTIONS = (HARDWARE, 1)  # PERF_COUNT_HW_INSTRUCTIONS
PAGE_FAULTS = (SOFTWARE, 2)  # PERF_COUNT_SW_PAGE_FAULTS; every machine counts these
_SYSCALL = {"x86_64": 298, "aarch64": 241}  # perf_event_open
_SIZE = 64  # of perf_event_attr, its first published version
_EXCLUDE_KERNEL, _EXCLUDE_HYPERVISOR = 1 << 5, 1 << 6
_CLOSE_ON_EXEC = 8
_COUNT = struct.Struct("=Q")


class Counter:
    """Counts one kind of event in one process, from now on. A context manager that closes it.

    Args:
        pid: The process; one that this process may trace.
        event: Type and number, as in linux/perf_event.h.

    Raises:
        OSError: if the machine has no such counter, or this process may not use it.
    """

    def __init__(self, pid: int, event: tuple[int, int] = INSTRUCTIONS) -> None:
        self._file = _open(pid, *event)

    @classmethod
    def of(cls, pid: int, event: tuple[int, int] = INSTRUCTIONS) -> Counter | None:
        """A counter, or None where there is none to be had."""
        try:
            return cls(pid, event)
        except OSError:
            return None

    def read(self) -> int:
        """Events so far."""
        return int(_COUNT.unpack(os.read(self._file, _COUNT.size))[0])

    def close(self) -> None:
        """Give the counter back."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def available() -> str:
    """Why instructions cannot be counted here; empty when they can."""
    try:
        Counter(0).close()
    except OSError as error:
        return f"this machine counts no instructions ({error.strerror or error})"
    return ""


def _open(pid: int, kind: int, number: int) -> int:
    syscall = _SYSCALL.get(platform.machine())
    if syscall is None or platform.system() != "Linux":
        raise OSError(f"no perf_event_open on {platform.system()} {platform.machine()}")
    attributes = bytearray(_SIZE)
    struct.pack_into("=IIQ", attributes, 0, kind, _SIZE, number)
    struct.pack_into("=Q", attributes, 40, _EXCLUDE_KERNEL | _EXCLUDE_HYPERVISOR if kind == HARDWARE else 0)
    library = ctypes.CDLL(None, use_errno=True)
    buffer = (ctypes.c_char * _SIZE).from_buffer(attributes)
    # The process on any core; no group; and no program that we start shall inherit the file.
    found = library.syscall(syscall, buffer, pid, -1, -1, _CLOSE_ON_EXEC)
    if found < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return int(found)
