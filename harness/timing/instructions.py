"""Instruction counts of a process, read from the processor's counters; other processes do not disturb them.

The parent counts from outside (perf_event_open(2)), in user mode only, so the box needs no extra rights. Many virtual
machines and containers have no such counters; the count is then missing. Callgrind counts on every machine, but it runs
the program inside itself, so untrusted code would have to leave its box.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct

from harness.core.closing import Closing

HARDWARE, SOFTWARE = 0, 1
INSTRUCTIONS = (HARDWARE, 1)  # PERF_COUNT_HW_INSTRUCTIONS
PAGE_FAULTS = (SOFTWARE, 2)  # PERF_COUNT_SW_PAGE_FAULTS; available on every machine
_SYSCALL = {"x86_64": 298, "aarch64": 241}  # perf_event_open
_SIZE = 64  # of perf_event_attr, its first published version
_EXCLUDE_KERNEL, _EXCLUDE_HYPERVISOR = 1 << 5, 1 << 6
_CLOSE_ON_EXEC = 8
_COUNT = struct.Struct("=Q")


class Counter(Closing):
    """Counts one kind of event in one process, from creation on. A context manager that closes the counter.

    Args:
        pid: The process; this process must be allowed to trace it.
        event: Type and number, as in linux/perf_event.h.

    Raises:
        OSError: if the machine has no such counter, or this process may not use it.
    """

    def __init__(self, pid: int, event: tuple[int, int] = INSTRUCTIONS) -> None:
        self._file = _open(pid, *event)

    @classmethod
    def of(cls, pid: int, event: tuple[int, int] = INSTRUCTIONS) -> Counter | None:
        """A counter, or None where none is available."""
        try:
            return cls(pid, event)
        except OSError:
            return None

    def read(self) -> int:
        """Number of events since the counter was created."""
        return int(_COUNT.unpack(os.read(self._file, _COUNT.size))[0])

    def close(self) -> None:
        """Close the counter's file descriptor. Idempotent."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def available() -> str:
    """The reason why instructions cannot be counted on this machine; empty when they can."""
    try:
        Counter(0).close()
    except OSError as error:
        return f"this machine has no instruction counter ({error.strerror or error})"
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
    # Any core, no group, and the descriptor is closed on exec.
    found = library.syscall(syscall, buffer, pid, -1, -1, _CLOSE_ON_EXEC)
    if found < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return int(found)
