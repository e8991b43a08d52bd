"""Box: one subject in a child process of its own; the parent asks questions and measures time and memory."""

from __future__ import annotations

import os
import select
import signal
import time
from types import TracebackType
from typing import Any, Self

from harness.core.clip import clip
from harness.core.errors import InfraError
from harness.core.status import Status
from harness.sandbox.answer import Answer, describe
from harness.sandbox.codec import encode
from harness.sandbox.fault import BoxFault
from harness.sandbox.frame_reader import ANSWERS, FREE_BYTES, GROWTH, Frame, FrameReader
from harness.sandbox.limits import MIB, Limits
from harness.sandbox.usage import Usage, cpu_clock
from harness.sandbox.wire import CHUNK, HEADER, NONCE, SUBJECT_EXITED
from harness.sandbox.zygote_process import ChildProcess, ExitStatus, ZygoteProcess

MAX_EXCEPTION_BYTES = 64 << 10
"""Size limit of a reported exception or type name; the shim sends at most a few thousand characters."""


class Box:
    """An open box. Use it as a context manager: on exit its process is killed and reaped in every case.

    A normal exit also checks that the subject sent nothing after the last answer (BoxFault with status `protocol`).
    """

    def __init__(self, zygote: ZygoteProcess, source: bytes, *, entry: str, limits: Limits) -> None:
        self._zygote, self._limits = zygote, limits
        self._child: ChildProcess | None = None
        self.usage = Usage()
        self._load_ms = self._load_cpu = self._last_cpu = self._idle_cpu = 0.0
        self._clock: int | None = None
        self._frames = FrameReader(limits)
        self._sequence = int.from_bytes(os.urandom(NONCE), "little")
        self._oom_kills = _oom_kills(zygote)
        self._write = self._read = -1
        self._poll = select.poll()
        self._closed = False
        started = time.monotonic()
        self._idle_since = started
        self._end = started + limits.total_seconds
        try:
            self._start()
            self._load(source, entry, started)
        except BaseException:
            self.close()
            raise

    def _start(self) -> None:
        questions = answers = -1
        try:
            questions, self._write = os.pipe()
            self._read, answers = os.pipe()
            self._child = self._zygote.open(self._limits, questions, answers)
        finally:
            for fd in (questions, answers):
                if fd >= 0:
                    os.close(fd)
        os.set_blocking(self._write, False)
        os.set_blocking(self._read, False)
        self._clock = cpu_clock(self._child.pid)
        self._poll.register(self._read, select.POLLIN)

    def _load(self, source: bytes, entry: str, started: float) -> None:
        name = entry.encode()
        nonce = self._nonce()
        deadline = started + self._limits.load_seconds
        frame = HEADER.pack(b"S", NONCE + 1 + len(name) + len(source)) + nonce + bytes([len(name)]) + name + source
        limit = self._limits.load_seconds
        tag, _nonce, body = self._exchange(self._send(frame), deadline, "while loading", limit)
        if tag == b"X":
            raise InfraError(f"a layer of the box failed: {clip(body.decode('utf-8', 'replace'))}")
        if tag != b"Y":
            raise InfraError(f"the box sent an unexpected frame before it loaded untrusted code ({tag!r})")
        tag, seen, body = self._exchange(b"", deadline, "while loading", limit)
        self._idle_since = time.monotonic()
        self._load_ms = (self._idle_since - started) * 1e3
        self._load_cpu = self._cpu()
        self._last_cpu = self._load_cpu
        if seen != nonce:
            raise BoxFault(Status.PROTOCOL, "the subject sent an unrequested frame while loading")
        if tag == b"L" and not body:
            return
        if tag == b"M":
            raise BoxFault(Status.MEMORY, f"out of memory while loading ({self._budget()})")
        if tag == b"E":
            raise BoxFault(Status.CRASH, f"loading raised {describe(body)}")
        raise BoxFault(Status.PROTOCOL, f"an unexpected frame {tag!r} while loading")

    @property
    def pid(self) -> int:
        """Process id in this process's namespace; 0 after the box was reaped."""
        return self._child.pid if self._child is not None else 0

    def call(self, arguments: dict[str, Any], *, seconds: float | None = None) -> Answer:
        """Call the entry function with keyword arguments; see `ask` for limits and errors."""
        return self.ask(encode(arguments), seconds=seconds)

    def ask(self, question: bytes, *, seconds: float | None = None) -> Answer:
        """Ask one question in canonical JSON, within the call limit (or `seconds`).

        Raises:
            BoxFault: timeout, crash, memory, output or protocol; the box cannot be used afterwards.
        """
        nonce = self._nonce()
        frame = HEADER.pack(b"Q", NONCE + len(question)) + nonce + question
        if self._frames.buffer or self._poll.poll(0):
            self._check_unrequested("before a question was asked")
        self._frames.allow(FREE_BYTES // GROWTH + len(question))
        limit = self._limits.call_seconds if seconds is None else seconds
        cpu = self._cpu()
        self._idle_cpu += cpu - self._last_cpu
        begun = time.monotonic()
        self._end += begun - self._idle_since  # the parent's work between questions does not count against the subject
        unsent = self._send(frame)
        tag, seen, body = (None if unsent else self._small_answer(limit, begun)) or self._exchange(
            unsent, begun + limit, "in a call", limit
        )
        self._idle_since = time.monotonic()
        elapsed = self._idle_since - begun
        self._last_cpu = self._cpu()
        if seen != nonce:
            raise BoxFault(
                Status.PROTOCOL, "an answer with a wrong nonce: to another question, or forged by the subject"
            )
        if tag == b"M":
            raise BoxFault(Status.MEMORY, f"out of memory in a call ({self._budget()})")
        if tag not in ANSWERS:
            raise BoxFault(Status.PROTOCOL, f"an unexpected frame {tag!r} in a call")
        if not body.isascii():
            raise BoxFault(Status.PROTOCOL, "an answer that is not canonical JSON")
        if tag != b"R" and len(body) > MAX_EXCEPTION_BYTES:
            raise BoxFault(Status.OUTPUT, f"an exception of {len(body)} bytes in a call (limit {MAX_EXCEPTION_BYTES})")
        used = self._last_cpu - cpu if self._clock is not None else None
        return Answer(ANSWERS[tag], body, elapsed, used)

    def allow(self, count: int) -> None:
        """Extend the output allowance for a right answer of `count` bytes, so that large right answers are accepted."""
        self._frames.allow(count)

    def _small_answer(self, limit: float, begun: float) -> Frame | None:
        """Fast path: return an answer that a single read delivers completely.

        Otherwise return None; the bytes read so far stay in the buffer for `_exchange`.
        """
        if begun + limit > self._end or not self._poll.poll(limit * 1e3):
            return None
        try:
            data = os.read(self._read, CHUNK)
        except BlockingIOError:
            return None
        if not data:
            raise self._exit_fault("in a call")
        frame = self._frames.take_single(data)
        if frame is None:
            self._frames.buffer += data
        return frame

    def _nonce(self) -> bytes:
        self._sequence = (self._sequence + 1) & 0xFFFFFFFFFFFFFFFF
        return self._sequence.to_bytes(NONCE, "little")

    def _budget(self) -> str:
        return f"limit {self._limits.memory_bytes / MIB:g} MB"

    def _cpu(self) -> float:
        if self._clock is None:
            return 0.0
        try:
            return time.clock_gettime(self._clock)
        except OSError:
            return self._last_cpu

    def _exchange(self, unsent: bytes | memoryview, deadline: float, when: str, limit: float) -> Frame:
        """Send the rest of a question and read one frame; both may exceed the capacity of a pipe."""
        deadline = min(deadline, self._end)
        while (frame := self._frames.take(when)) is None:
            left = deadline - time.monotonic()
            if left <= 0:
                raise self._timeout_fault(when, limit)
            self._wait(left, writing=bool(unsent))
            if unsent:
                unsent = self._send(unsent)
            try:
                data = os.read(self._read, CHUNK)
            except BlockingIOError:
                continue
            if not data:
                raise self._exit_fault(when)
            self._frames.buffer += data
        return frame

    def _send(self, data: bytes | memoryview) -> bytes | memoryview:
        try:
            written = os.write(self._write, data) if data else 0
        except BlockingIOError:
            return data
        except BrokenPipeError:
            return b""  # the subject closed its end: the next read reports how it ended
        return memoryview(data)[written:] if written < len(data) else b""

    def _wait(self, seconds: float, *, writing: bool) -> None:
        if writing:
            self._poll.register(self._write, select.POLLOUT)
        self._poll.poll(seconds * 1e3)
        if writing:
            self._poll.unregister(self._write)

    def _check_unrequested(self, when: str) -> None:
        data = bytes(self._frames.buffer)
        if not data:
            try:
                data = os.read(self._read, 64)
            except BlockingIOError:
                return
        raise BoxFault(Status.PROTOCOL, f"data was sent {when}") if data else self._exit_fault(when)

    def _timeout_fault(self, when: str, limit: float) -> BoxFault:
        if time.monotonic() >= self._end:
            return BoxFault(
                Status.TIMEOUT, f"loading and all calls together took longer than {self._limits.total_seconds:g} s"
            )
        return BoxFault(Status.TIMEOUT, f"no answer {when} within {limit:g} s")

    def _exit_fault(self, when: str) -> BoxFault:
        exit_status = self._reap()
        if self._out_of_memory():
            return BoxFault(Status.MEMORY, f"killed by the kernel {when}: memory limit exceeded ({self._budget()})")
        if exit_status is None:
            return BoxFault(Status.CRASH, f"the process closed its channel {when}")
        overspent = self.usage.cpu_ms >= self._limits.cpu_seconds * 1e3
        if exit_status.signal == signal.SIGXCPU or (exit_status.signal == signal.SIGKILL and overspent):
            return BoxFault(Status.TIMEOUT, f"more than {self._limits.cpu_seconds:g} s of CPU time {when}")
        if exit_status.signal:
            return BoxFault(Status.CRASH, f"the process was ended by signal {exit_status.signal} {when}")
        code = os.waitstatus_to_exitcode(exit_status.wait_status)
        how = "with SystemExit or KeyboardInterrupt" if code == SUBJECT_EXITED else f"with exit status {code}"
        return BoxFault(Status.CRASH, f"the process exited {when} {how}")

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
        try:
            exit_status = self._zygote.reap(child)
        except InfraError:
            # The kernel may kill the zygote for memory that its box holds: the box is responsible.
            if self._out_of_memory():
                raise BoxFault(
                    Status.MEMORY, f"the kernel killed the zygote process: memory limit exceeded ({self._budget()})"
                ) from None
            raise
        resident = max(0, exit_status.resident_kib - self._zygote.resident_kib) / 1024
        self.usage = Usage(
            cpu_ms=max(cpu * 1e3, exit_status.cpu_us / 1e3),
            peak_mb=resident if peak is None else peak / MIB,
            peak_is_lower_bound=peak is None,
            load_ms=self._load_ms,
            load_cpu_ms=self._load_cpu * 1e3,
            idle_cpu_ms=self._idle_cpu * 1e3,
            signal=exit_status.signal,
        )
        return exit_status

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
