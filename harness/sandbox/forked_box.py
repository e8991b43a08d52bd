"""ForkedBox: the process and the channel of a box that has read nothing yet."""

from __future__ import annotations

import contextlib
import os
import select
from dataclasses import dataclass

from harness.core.clip import clip
from harness.core.errors import InfraError
from harness.sandbox.control import SECONDS, ChildProcess
from harness.sandbox.wire import BODY

KernelLimits = tuple[bool, int, int]
"""What a process gets when it is forked: strict policy, bytes of address space, CPU seconds."""


@dataclass(slots=True)
class ForkedBox:
    """A box in which no source is loaded.

    Attributes:
        limits: The limits it was forked with.
        write: Our end of the channel for questions.
        read: Our end of the channel for answers.
        child: Its process; None until the zygote has reported it.
    """

    limits: KernelLimits
    write: int
    read: int
    child: ChildProcess | None = None

    def report_to_kernel(self, child: ChildProcess) -> None:
        """Keep the process, and make it the first one that is killed when its group has no memory left.

        Memory that a box unmapped stays charged to the group it shares with its zygote; the kernel must not kill the
        zygote for it. Where this file cannot be written, `PolledBox` reads the group's kill counter instead.
        """
        self.child = child
        with contextlib.suppress(OSError):
            fd = os.open(f"/proc/{child.pid}/oom_score_adj", os.O_WRONLY | os.O_CLOEXEC)
            try:
                os.write(fd, b"1000")
            finally:
                os.close(fd)

    def await_layers(self) -> None:
        """Wait until the box reports that all layers are active.

        Raises:
            InfraError: if it reports anything else, or ends.
        """
        poll = select.poll()
        poll.register(self.read, select.POLLIN)
        report = os.read(self.read, 1024) if poll.poll(SECONDS * 1e3) else b""
        if not report:
            raise InfraError("the box ended, or did not report its layers")
        if report[:1] == b"X":
            raise InfraError(f"a layer of the box failed: {clip(report[BODY:].decode('utf-8', 'replace'))}")
        if report[:1] != b"Y" or len(report) != BODY:
            raise InfraError(f"the box sent an unexpected frame before it loaded untrusted code ({report[:1]!r})")

    def close(self) -> None:
        """Close our ends of the channel; the process, if it waits for a source, then ends."""
        for fd in (self.write, self.read):
            os.close(fd)
