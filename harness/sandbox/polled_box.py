"""PolledBox: one subject in a child process of its own, driven by events: no method waits for the subject.

One thread can so drive many boxes; `box.Box` is the same with calls that wait.
"""

from __future__ import annotations

import math
import os
import select
import signal
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from harness.core.errors import InfraError
from harness.core.status import Status
from harness.sandbox.answer import Answer, describe, read_answer
from harness.sandbox.fault import BoxFault, exit_fault
from harness.sandbox.frame_reader import FREE_BYTES, GROWTH, Frame, FrameReader
from harness.sandbox.limits import MIB, Limits
from harness.sandbox.usage import ExitStatus, Usage, cpu_clock
from harness.sandbox.wire import CHUNK, HEADER, NONCE
from harness.sandbox.zygote_process import ZygoteProcess

LOADING, CALLING = "while loading", "in a call"


class PolledBox:
    """An open box. As a context manager it is killed on exit in every case.

    A normal exit also checks that the subject sent nothing after the last answer (BoxFault with status `protocol`).
    Wait until `fileno` is readable (or, while `unsent`, `write_fileno` is writable) or until `deadline` has passed,
    then call `receive_ready`.

    Attributes:
        deadline: When the subject must have answered, by `time.monotonic`; infinite while nothing is asked.
        usage: What the box used; final after `close`.
    """

    def __init__(self, zygote: ZygoteProcess, source: bytes, *, entry: str, limits: Limits) -> None:
        self._zygote, self._limits = zygote, limits
        self.usage = Usage()
        self._load_ms = self._load_cpu = self._last_cpu = self._idle_cpu = self._cpu_before = 0.0
        self._frames = FrameReader(limits)
        self._sequence = int.from_bytes(os.urandom(NONCE), "little")
        self._poll = select.poll()
        self._unsent: bytes | memoryview = b""
        self._expected: deque[bytes] = deque()
        self._when, self._limit = LOADING, limits.load_seconds
        forked = zygote.open(limits)
        self._child, self._write, self._read = forked.child, forked.write, forked.read
        self._closed = False
        self._begun = self._idle_since = self._arrived = time.monotonic()
        self._end = self._begun + limits.total_seconds
        self.deadline = min(self._begun + self._limit, self._end)
        try:
            self._oom_kills = _oom_kills(zygote)
            self._clock = cpu_clock(self.pid)
            self._poll.register(self._read, select.POLLIN)
            self._send_source(source, entry)
        except BaseException:
            self.close()
            raise

    def _send_source(self, source: bytes, entry: str) -> None:
        name, nonce = entry.encode(), self._nonce()
        self._expected.append(nonce)
        header = HEADER.pack(b"S", NONCE + 1 + len(name) + len(source))
        self._send(header + nonce + bytes([len(name)]) + name + source)

    @property
    def pid(self) -> int:
        """Process id in this process's namespace; 0 after the box was reaped."""
        return self._child.pid if self._child is not None else 0

    @property
    def is_open(self) -> bool:
        """Whether it was not closed yet."""
        return not self._closed

    @property
    def idle_cpu(self) -> float:
        """CPU seconds that the subject has used between questions."""
        return self._idle_cpu

    def fileno(self) -> int:
        """The descriptor that becomes readable when the subject answers or ends."""
        return self._read

    def write_fileno(self) -> int:
        """The descriptor that becomes writable when more of a long question can be sent."""
        return self._write

    @property
    def unsent(self) -> bool:
        """Whether a part of the question waits for room in the pipe; `receive_ready` sends more of it."""
        return bool(self._unsent)

    @property
    def is_idle(self) -> bool:
        """Whether the source is loaded and every question is answered, so that `send` may be called."""
        return not self._expected

    def allow(self, count: int) -> None:
        """Extend the output allowance for a right answer of `count` bytes, so that large right answers are accepted."""
        self._frames.allow(count)

    def send(self, question: bytes, *, seconds: float | None = None) -> None:
        """Ask one question in canonical JSON, to be answered within the call limit (or `seconds`).

        Raises:
            BoxFault: if the subject has ended, or sent data that was not requested.
        """
        if self._frames.buffer or self._poll.poll(0):
            self._check_unrequested("before a question was asked")
        nonce = self._nonce()
        self._frames.allow(FREE_BYTES // GROWTH + len(question))
        self._limit = self._limits.call_seconds if seconds is None else seconds
        self._cpu_before = self._cpu()
        self._idle_cpu += self._cpu_before - self._last_cpu
        self._expected.append(nonce)
        frame = HEADER.pack(b"Q", NONCE + len(question)) + nonce + question
        self._begun = begun = time.monotonic()
        self._end += begun - self._idle_since  # the parent's work between questions does not count against the subject
        self.deadline = min(begun + self._limit, self._end)
        self._send(frame)

    def receive_ready(self) -> Answer | None:
        """The next answer that has arrived completely; None while there is none, and when the source has loaded.

        Raises:
            BoxFault: timeout, crash, memory, output or protocol; the box cannot be used afterwards.
            InfraError: if a layer of the box failed.
        """
        if self.is_idle:
            self._check_unrequested("before a question was asked")
            return None
        if self._unsent:
            self._send(self._unsent)
        frame = self._read_frame()
        if frame is None:
            if time.monotonic() >= self.deadline:
                raise self._timeout_fault()
            return None
        if self._when == CALLING:
            return self._accept_answer(frame)
        self._accept_loading(frame)
        return None

    def _accept_answer(self, frame: Frame) -> Answer:
        elapsed = self._arrived - self._begun
        self._last_cpu = self._cpu()
        used = self._last_cpu - self._cpu_before if self._clock is not None else None
        answer = read_answer(frame, self._expected.popleft(), seconds=elapsed, cpu_seconds=used, limits=self._limits)
        self._idle_since = self._arrived
        self.deadline = math.inf
        return answer

    def _read_frame(self) -> Frame | None:
        frames = self._frames
        while True:
            if frames.buffer and (frame := frames.take(self._when)) is not None:
                return frame
            try:
                data = os.read(self._read, CHUNK)
            except BlockingIOError:
                return None
            self._arrived = time.monotonic()
            if not data:
                raise self._exit_fault(self._when)
            if not frames.buffer and (frame := frames.take_single(data)) is not None:
                return frame
            frames.buffer += data

    def _accept_loading(self, frame: Frame) -> None:
        tag, seen, body = frame
        self._idle_since = self._arrived
        self._load_ms = (self._arrived - self._begun) * 1e3
        self._load_cpu = self._last_cpu = self._cpu()
        if seen != self._expected.popleft():
            raise BoxFault(Status.PROTOCOL, "the subject sent an unrequested frame while loading")
        if tag == b"M":
            raise BoxFault(Status.MEMORY, f"out of memory while loading ({self._limits.memory_text})")
        if tag == b"E":
            raise BoxFault(Status.CRASH, f"loading raised {describe(body)}")
        if tag != b"L" or body:
            raise BoxFault(Status.PROTOCOL, f"an unexpected frame {tag!r} while loading")
        self._when, self.deadline = CALLING, math.inf

    def _nonce(self) -> bytes:
        self._sequence = (self._sequence + 1) & 0xFFFFFFFFFFFFFFFF
        return self._sequence.to_bytes(NONCE, "little")

    def _cpu(self) -> float:
        if self._clock is None:
            return 0.0
        try:
            return time.clock_gettime(self._clock)
        except OSError:
            return self._last_cpu

    def _send(self, data: bytes | memoryview) -> None:
        try:
            written = os.write(self._write, data)
        except BlockingIOError:
            self._unsent = data
        except BrokenPipeError:
            self._unsent = b""  # the subject closed its end: the next read reports how it ended
        else:
            self._unsent = memoryview(data)[written:] if written < len(data) else b""

    def _check_unrequested(self, when: str) -> None:
        data = bytes(self._frames.buffer)
        if not data:
            try:
                data = os.read(self._read, 64)
            except BlockingIOError:
                return
        raise BoxFault(Status.PROTOCOL, f"data was sent {when}") if data else self._exit_fault(when)

    def _timeout_fault(self) -> BoxFault:
        if time.monotonic() >= self._end:
            return BoxFault(
                Status.TIMEOUT, f"loading and all calls together took longer than {self._limits.total_seconds:g} s"
            )
        return BoxFault(Status.TIMEOUT, f"no answer {self._when} within {self._limit:g} s")

    def _exit_fault(self, when: str) -> BoxFault:
        exit_status = self._reap()
        if self._out_of_memory():
            return BoxFault(
                Status.MEMORY, f"killed by the kernel {when}: memory limit exceeded ({self._limits.memory_text})"
            )
        if exit_status is None:
            return BoxFault(Status.CRASH, f"the process closed its channel {when}")
        return exit_fault(exit_status, when, cpu_ms=self.usage.cpu_ms, limits=self._limits)

    def _out_of_memory(self) -> bool:
        return _oom_kills(self._zygote) > self._oom_kills

    def _reap(self) -> ExitStatus | None:
        """Kill the child process, read its usage, reap it; return None if it was reaped before."""
        if self._child is None:
            return None
        cpu = self._cpu()
        # A process that exited by itself must keep its own signal; one that only closed its channel is still alive.
        self._wait_briefly()
        self._zygote.kill(self._child)
        cgroup = self._zygote.cgroup
        peak = cgroup.peak() if cgroup is not None else None
        child, self._child = self._child, None
        with self._blamed_for_memory():
            exit_status = self._zygote.reap(child)
        resident = max(0, exit_status.resident_kib - self._zygote.resident_kib) / 1024
        cpu_ms = max(cpu * 1e3, exit_status.cpu_us / 1e3)
        self._account(cpu_ms=cpu_ms, peak=peak, resident=resident, ended_by=exit_status.signal)
        return exit_status

    @contextmanager
    def _blamed_for_memory(self) -> Iterator[None]:
        """The kernel may kill the zygote for memory that its box holds: the box is responsible."""
        try:
            yield
        except InfraError:
            if not self._out_of_memory():
                raise
            why = f"the kernel killed the zygote process: memory limit exceeded ({self._limits.memory_text})"
            raise BoxFault(Status.MEMORY, why) from None

    def _retire(self) -> bool:
        """Kill the child process and leave the rest to the zygote; False if more has to be known of how it ended."""
        child, zygote = self._child, self._zygote
        if child is None or self._clock is None or not zygote.can_retire or self._channel_closed():
            return False
        peak = zygote.cgroup.peak() if zygote.cgroup is not None else None
        if peak is None:
            return False
        cpu = self._cpu()
        zygote.kill(child)
        self._child = None
        self._account(cpu_ms=cpu * 1e3, peak=peak, resident=0.0, ended_by=signal.SIGKILL)
        with self._blamed_for_memory():
            zygote.retire(child, self._limits)
        return True

    def _account(self, *, cpu_ms: float, peak: int | None, resident: float, ended_by: int) -> None:
        self.usage = Usage(
            cpu_ms=cpu_ms,
            peak_mb=resident if peak is None else peak / MIB,
            peak_is_lower_bound=peak is None,
            load_ms=self._load_ms,
            load_cpu_ms=self._load_cpu * 1e3,
            idle_cpu_ms=self._idle_cpu * 1e3,
            signal=int(ended_by),
        )

    def _wait_briefly(self) -> None:
        if self._child is not None and self._child.pidfd >= 0 and self._channel_closed():
            exited = select.poll()
            exited.register(self._child.pidfd, select.POLLIN)
            exited.poll(20)

    def _channel_closed(self) -> bool:
        return any(event & select.POLLHUP for _fd, event in self._poll.poll(0))

    def finish(self) -> None:
        """Check that the subject sent nothing after the last answer.

        Raises:
            BoxFault: with status `protocol`, if unread data exists.
        """
        if self._child is None:
            return
        if self._frames.buffer or any(event & select.POLLIN for _fd, event in self._poll.poll(0)):
            raise BoxFault(Status.PROTOCOL, "data was sent after the last answer")

    def close(self) -> None:
        """Kill and reap the child process and close the channel. Idempotent."""
        if self._closed:
            return
        self._closed = True
        try:
            if not self._retire():
                self._reap()
        finally:
            for fd in (self._write, self._read):
                if fd >= 0:
                    os.close(fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self.finish()
        finally:
            self.close()


def _oom_kills(zygote: ZygoteProcess) -> int:
    return zygote.cgroup.kills() if zygote.cgroup is not None else 0
