"""Limits: what one box may use. They are the parent's: the box never gets a say."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

MIB = 1 << 20


class SyscallPolicy(StrEnum):
    """Which system calls a box may make."""

    STRICT = "strict"
    """An allow list, for pure-Python subjects: no fork, no exec, no sockets, no memfd, no kill."""
    COMPUTE = "compute"
    """A deny list, for numpy and torch subjects, whose libraries use more of the kernel than anyone can list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits of one box.

    Attributes:
        load_seconds: Wall time for compiling and executing the source.
        call_seconds: Wall time for one call.
        total_seconds: Wall time for loading and all calls together; not while nothing is asked.
        cpu_seconds: CPU time for the whole life; the kernel's backstop behind the wall deadlines.
        memory_bytes: Bytes above the empty box: the cgroup's limit, and address space above the zygote's.
        output_bytes: Longest answer.
        total_output_bytes: All answers together, beyond what the questions account for (see `incoming`).
        policy: Which system calls are allowed.
    """

    load_seconds: float = 2.0
    call_seconds: float = 2.0
    total_seconds: float = 60.0
    cpu_seconds: float = 60.0
    memory_bytes: int = 128 * MIB
    output_bytes: int = 16 * MIB
    total_output_bytes: int = 32 * MIB
    policy: SyscallPolicy = SyscallPolicy.STRICT
