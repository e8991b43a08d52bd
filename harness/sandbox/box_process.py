"""BoxProcess: the process of one box, from its opening until it is reaped, and what it used."""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from harness.core.errors import InfraError
from harness.core.status import Status
from harness.sandbox.fault import BoxFault, exit_fault
from harness.sandbox.limits import MIB, Limits
from harness.sandbox.usage import ExitStatus, Usage, core_delay, cpu_clock
from harness.sandbox.zygote_process import ZygoteProcess


class BoxProcess:
    """Opens a box of a zygote.

    Attributes:
        zygote: Its zygote.
        write: The descriptor for questions; it does not block.
        read: The descriptor for answers; it does not block.
        poll: Reports events of `read`.
        usage: What it used; without the times of loading, which are the caller's. Final after the box has ended.

    Raises:
        InfraError: if no box can be opened.
    """

    def __init__(self, zygote: ZygoteProcess, limits: Limits) -> None:
        self.zygote, self._limits = zygote, limits
        forked = zygote.open(limits)
        self._child, self.write, self.read = forked.child, forked.write, forked.read
        self.usage = Usage()
        self.poll = select.poll()
        self.poll.register(self.read, select.POLLIN)
        self._last_cpu, self._clock = 0.0, cpu_clock(self.pid)
        self._oom_kills = self._count_oom_kills()

    @property
    def pid(self) -> int:
        """Process id in this process's namespace; 0 after the box was reaped."""
        return self._child.pid if self._child is not None else 0

    @property
    def has_clock(self) -> bool:
        """Whether the kernel tells its CPU time."""
        return self._clock is not None

    def cpu(self) -> float:
        """CPU seconds of all its threads so far; 0 without a clock."""
        if self._clock is None:
            return 0.0
        try:
            self._last_cpu = time.clock_gettime(self._clock)
        except OSError:
            return self._last_cpu
        return self._last_cpu

    def delay(self) -> float:
        """Seconds for which it was ready to run and had no core; 0 where the kernel does not say."""
        return core_delay(self.pid) or 0.0

    def exit_fault(self, when: str) -> BoxFault:
        """The fault of a subject that closed its channel; reaps the process."""
        exit_status = self._reap()
        if self._is_out_of_memory():
            why = f"killed by the kernel {when}: memory limit exceeded ({self._limits.memory_text})"
            return BoxFault(Status.MEMORY, why)
        if exit_status is None:
            return BoxFault(Status.CRASH, f"the process closed its channel {when}")
        return exit_fault(exit_status, when, cpu_ms=self.usage.cpu_ms, limits=self._limits)

    def close(self) -> None:
        """Kill the process, have it reaped, and close the channel. Not to be called again."""
        try:
            # A zygote that has ended meanwhile is detected when the next box is opened; this box keeps its answers.
            with suppress(InfraError):
                if not self._retire():
                    self._reap()
        finally:
            os.close(self.write)
            os.close(self.read)

    def _reap(self) -> ExitStatus | None:
        """Kill the process, read its usage, reap it; return None if it was reaped before."""
        if self._child is None:
            return None
        cpu = self.cpu()
        # A process that exited by itself must keep its own signal; one that only closed its channel is still alive.
        self._wait_briefly()
        self.zygote.kill(self._child)
        peak = self._peak()
        child, self._child = self._child, None
        with self._blamed_for_memory():
            exit_status = self.zygote.reap(child)
        resident = max(0, exit_status.resident_kib - self.zygote.resident_kib) / 1024
        self.usage = Usage(
            cpu_ms=max(cpu * 1e3, exit_status.cpu_us / 1e3),
            peak_mb=resident if peak is None else peak / MIB,
            peak_is_lower_bound=peak is None,
            signal=exit_status.signal,
        )
        return exit_status

    def _retire(self) -> bool:
        """Kill the process and leave the rest to the zygote; False if more has to be known of how it ended."""
        child, peak = self._child, self._peak()
        if child is None or peak is None or self.zygote.shared or not self.has_clock or self._is_channel_closed():
            return False
        self.usage = Usage(
            cpu_ms=self.cpu() * 1e3, peak_mb=peak / MIB, peak_is_lower_bound=False, signal=int(signal.SIGKILL)
        )
        self.zygote.kill(child)
        self._child = None
        with self._blamed_for_memory():
            self.zygote.retire(child, self._limits)
        return True

    def _peak(self) -> int | None:
        return self.zygote.cgroup.peak() if self.zygote.cgroup is not None else None

    def _count_oom_kills(self) -> int:
        return self.zygote.cgroup.kills() if self.zygote.cgroup is not None else 0

    def _is_out_of_memory(self) -> bool:
        return self._count_oom_kills() > self._oom_kills

    @contextmanager
    def _blamed_for_memory(self) -> Iterator[None]:
        """The kernel may kill the zygote for memory that its box holds: the box is responsible."""
        try:
            yield
        except InfraError:
            if not self._is_out_of_memory():
                raise
            why = f"the kernel killed the zygote process: memory limit exceeded ({self._limits.memory_text})"
            raise BoxFault(Status.MEMORY, why) from None

    def _wait_briefly(self) -> None:
        if self._child is not None and self._child.pidfd >= 0 and self._is_channel_closed():
            exited = select.poll()
            exited.register(self._child.pidfd, select.POLLIN)
            exited.poll(20)

    def _is_channel_closed(self) -> bool:
        return any(event & select.POLLHUP for _fd, event in self.poll.poll(0))
