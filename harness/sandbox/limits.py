"""Limits: the resources that one box may use, enforced by the parent and the kernel."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

MIB = 1 << 20


class SyscallPolicy(StrEnum):
    """The system-call filter of a box."""

    STRICT = "strict"
    """An allow list, for pure-Python subjects: no fork, no exec, no sockets, no memfd, no kill."""
    COMPUTE = "compute"
    """A deny list, for numpy and torch subjects, whose libraries use too many system calls for an allow list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits of one box.

    Attributes:
        load_seconds: Wall time for compiling and executing the source.
        call_seconds: Wall time for one call.
        total_seconds: Wall time for loading and all calls together; the time between calls does not count.
        cpu_seconds: CPU time of the whole box; the kernel enforces it in addition to the wall deadlines.
        memory_bytes: Bytes above the empty box: the cgroup's limit, and address space above the zygote's.
        output_bytes: Length limit of one answer.
        total_output_bytes: Limit of all answers together, beyond the allowance of the questions (see `FrameReader`).
        policy: The system-call filter.
    """

    load_seconds: float = 2.0
    call_seconds: float = 2.0
    total_seconds: float = 60.0
    cpu_seconds: float = 60.0
    memory_bytes: int = 128 * MIB
    output_bytes: int = 16 * MIB
    total_output_bytes: int = 32 * MIB
    policy: SyscallPolicy = SyscallPolicy.STRICT

    @property
    def memory_text(self) -> str:
        """The memory limit as messages name it."""
        return f"limit {self.memory_bytes / MIB:g} MB"
