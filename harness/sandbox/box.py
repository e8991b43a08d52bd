"""Box: one subject in its own process; the parent asks, times and counts."""

from __future__ import annotations

import os
import select
import signal
import time
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from harness.core.clip import clip
from harness.core.errors import InfraError
from harness.core.status import Status
from harness.sandbox.answer import Answer, describe
from harness.sandbox.codec import encode
from harness.sandbox.fault import BoxFault
from harness.sandbox.frame_reader import ANSWERS, FREE_BYTES, GROWTH, Frame, Incoming
from harness.sandbox.limits import MIB, Limits
from harness.sandbox.usage import Usage, cpu_clock
from harness.sandbox.wire import CHUNK, HEADER, LEFT, NONCE

if TYPE_CHECKING:
    from harness.sandbox.zygote_process import Death, Newborn, ZygoteProcess

SAID_BYTES = 64 << 10
"""Longest name and message of an exception, or name of a type; the shim sends some thousand characters."""


class Box:
    """An open box. Use as a context manager: it is dead and reaped afterwards, whatever happened inside.

    Leaving the block normally also checks that nothing was sent after the last answer (BoxFault, protocol).
    """

    def __init__(self, nursery: ZygoteProcess, source: bytes, *, entry: str, limits: Limits) -> None:
        self._nursery, self._limits = nursery, limits
        self._newborn: Newborn | None = None
        self.usage = Usage()
        self._load_ms = self._load_cpu = self._last_cpu = self._idle_cpu = 0.0
        self._clock: int | None = None
        self._incoming = Incoming(limits)
        self._sequence = int.from_bytes(os.urandom(NONCE), "little")
        self._kills = _kills(nursery)
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
            self._newborn = self._nursery.open(self._limits, questions, answers)
        finally:
            for fd in (questions, answers):
                if fd >= 0:
                    os.close(fd)
        os.set_blocking(self._write, False)
        os.set_blocking(self._read, False)
        self._clock = cpu_clock(self._newborn.pid)
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
            raise InfraError(f"the box spoke out of turn before any foreign code ran ({tag!r})")
        tag, seen, body = self._exchange(b"", deadline, "while loading", limit)
        self._idle_since = time.monotonic()
        self._load_ms = (self._idle_since - started) * 1e3
        self._load_cpu = self._cpu()
        self._last_cpu = self._load_cpu
        if seen != nonce:
            raise BoxFault(Status.PROTOCOL, "a frame was sent while loading that answers nothing")
        if tag == b"L" and not body:
            return
        if tag == b"M":
            raise BoxFault(Status.MEMORY, f"out of memory while loading ({self._budget()})")
        if tag == b"E":
            raise BoxFault(Status.CRASH, f"loading raised {describe(body)}")
        raise BoxFault(Status.PROTOCOL, f"an unexpected frame {tag!r} while loading")

    @property
    def pid(self) -> int:
        """Its process as this one sees it; 0 once it is gone."""
        return self._newborn.pid if self._newborn is not None else 0

    def call(self, arguments: dict[str, Any], *, seconds: float | None = None) -> Answer:
        """Ask one question; see `ask`."""
        return self.ask(encode(arguments), seconds=seconds)

    def ask(self, question: bytes, *, seconds: float | None = None) -> Answer:
        """Ask one question given in canonical form, within the call limit (or `seconds`).

        Raises:
            BoxFault: timeout, crash, memory, output or protocol; the box is of no use afterwards.
        """
        nonce = self._nonce()
        frame = HEADER.pack(b"Q", NONCE + len(question)) + nonce + question
        if self._incoming.buffer or self._poll.poll(0):
            self._unasked("before a question was asked")
        self._incoming.allow(FREE_BYTES // GROWTH + len(question))
        limit = self._limits.call_seconds if seconds is None else seconds
        cpu = self._cpu()
        self._idle_cpu += cpu - self._last_cpu
        begun = time.monotonic()
        self._end += begun - self._idle_since  # what the parent does between questions is not the subject's time
        unsent = self._send(frame)
        tag, seen, body = (None if unsent else self._small_answer(limit, begun)) or self._exchange(
            unsent, begun + limit, "in a call", limit
        )
        self._idle_since = time.monotonic()
        elapsed = self._idle_since - begun
        self._last_cpu = self._cpu()
        if seen != nonce:
            raise BoxFault(Status.PROTOCOL, "an answer to another question, or a frame made up by the subject")
        if tag == b"M":
            raise BoxFault(Status.MEMORY, f"out of memory in a call ({self._budget()})")
        if tag not in ANSWERS:
            raise BoxFault(Status.PROTOCOL, f"an unexpected frame {tag!r} in a call")
        if not body.isascii():
            raise BoxFault(Status.PROTOCOL, "an answer that is not canonical JSON")
        if tag != b"R" and len(body) > SAID_BYTES:
            raise BoxFault(Status.OUTPUT, f"an exception of {len(body)} bytes in a call (limit {SAID_BYTES})")
        used = self._last_cpu - cpu if self._clock is not None else None
        return Answer(ANSWERS[tag], body, elapsed, used)

    def allow(self, count: int) -> None:
        """Say how many bytes the right answer to a question has: a box may send large ones where they are due."""
        self._incoming.allow(count)

    def _small_answer(self, limit: float, begun: float) -> Frame | None:
        """The usual case, an answer that one read gets, in as few steps as there can be.

        Anything else is left where `_exchange` finds it: None is returned and what was read is in the buffer.
        """
        if begun + limit > self._end or not self._poll.poll(limit * 1e3):
            return None
        try:
            data = os.read(self._read, CHUNK)
        except BlockingIOError:
            return None
        if not data:
            raise self._vanished("in a call")
        frame = self._incoming.at_once(data)
        if frame is None:
            self._incoming.buffer += data
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
        """Send what is left of a question, read one frame; both may be larger than a pipe holds."""
        deadline = min(deadline, self._end)
        while (frame := self._incoming.take(when)) is None:
            left = deadline - time.monotonic()
            if left <= 0:
                raise self._overtime(when, limit)
            self._wait(left, writing=bool(unsent))
            if unsent:
                unsent = self._send(unsent)
            try:
                data = os.read(self._read, CHUNK)
            except BlockingIOError:
                continue
            if not data:
                raise self._vanished(when)
            self._incoming.buffer += data
        return frame

    def _send(self, data: bytes | memoryview) -> bytes | memoryview:
        try:
            written = os.write(self._write, data) if data else 0
        except BlockingIOError:
            return data
        except BrokenPipeError:
            return b""  # it closed its end: reading will tell how it died
        return memoryview(data)[written:] if written < len(data) else b""

    def _wait(self, seconds: float, *, writing: bool) -> None:
        if writing:
            self._poll.register(self._write, select.POLLOUT)
        self._poll.poll(seconds * 1e3)
        if writing:
            self._poll.unregister(self._write)

    def _unasked(self, when: str) -> None:
        data = bytes(self._incoming.buffer)
        if not data:
            try:
                data = os.read(self._read, 64)
            except BlockingIOError:
                return
        raise BoxFault(Status.PROTOCOL, f"data was sent {when}") if data else self._vanished(when)

    def _overtime(self, when: str, limit: float) -> BoxFault:
        if time.monotonic() >= self._end:
            return BoxFault(
                Status.TIMEOUT, f"loading and all calls together took longer than {self._limits.total_seconds:g} s"
            )
        return BoxFault(Status.TIMEOUT, f"no answer {when} within {limit:g} s")

    def _vanished(self, when: str) -> BoxFault:
        death = self._reap()
        if self._out_of_memory():
            return BoxFault(Status.MEMORY, f"killed by the kernel {when}: more memory than allowed ({self._budget()})")
        if death is None:
            return BoxFault(Status.CRASH, f"the process closed its channel {when}")
        overspent = self.usage.cpu_ms >= self._limits.cpu_seconds * 1e3
        if death.signal == signal.SIGXCPU or (death.signal == signal.SIGKILL and overspent):
            return BoxFault(Status.TIMEOUT, f"more than {self._limits.cpu_seconds:g} s of CPU time {when}")
        if death.signal:
            return BoxFault(Status.CRASH, f"the process died of signal {death.signal} {when}")
        code = os.waitstatus_to_exitcode(death.status)
        how = "by sys.exit or the like" if code == LEFT else f"(exit {code})"
        return BoxFault(Status.CRASH, f"the process left {when} {how}")

    def _out_of_memory(self) -> bool:
        return _kills(self._nursery) > self._kills

    def _reap(self) -> Death | None:
        """Kill, then account, then reap; returns None if that was done before."""
        if self._newborn is None:
            return None
        cpu = self._cpu()
        # A process that closed its channel on purpose is still alive; one that died shows its own signal.
        self._wait_briefly()
        self._nursery.kill(self._newborn)
        cgroup = self._nursery.cgroup
        peak = cgroup.peak() if cgroup is not None else None
        newborn, self._newborn = self._newborn, None
        try:
            death = self._nursery.reap(newborn)
        except InfraError:
            # A zygote that the kernel killed for the memory of its box is the box's doing.
            if self._out_of_memory():
                raise BoxFault(
                    Status.MEMORY, f"it brought its zygote down: more memory than allowed ({self._budget()})"
                ) from None
            raise
        resident = max(0, death.resident_kib - self._nursery.resident_kib) / 1024
        self.usage = Usage(
            cpu_ms=max(cpu * 1e3, death.cpu_us / 1e3),
            peak_mb=resident if peak is None else peak / MIB,
            peak_is_lower_bound=peak is None,
            load_ms=self._load_ms,
            load_cpu_ms=self._load_cpu * 1e3,
            idle_cpu_ms=self._idle_cpu * 1e3,
            signal=death.signal,
        )
        return death

    def _wait_briefly(self) -> None:
        if self._newborn is not None and self._newborn.pidfd >= 0 and self._channel_closed():
            exited = select.poll()
            exited.register(self._newborn.pidfd, select.POLLIN)
            exited.poll(20)

    def _channel_closed(self) -> bool:
        return any(event & select.POLLHUP for _fd, event in self._poll.poll(0))

    def finish(self) -> None:
        """Check that nothing follows the last answer.

        Raises:
            BoxFault: protocol, if data is waiting.
        """
        if self._newborn is None:
            return
        if self._incoming.buffer or any(event & select.POLLIN for _fd, event in self._poll.poll(0)):
            raise BoxFault(Status.PROTOCOL, "data was sent after the last answer")

    def close(self) -> None:
        """Kill, account, reap; nothing of the box is left. Safe to repeat."""
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


def _kills(nursery: ZygoteProcess) -> int:
    return nursery.cgroup.kills() if nursery.cgroup is not None else 0
