"""PolledBox: one subject in a child process of its own, driven by events: no method waits for the subject.

One thread can so drive many boxes; `box.Box` is the same with calls that wait.
"""

from __future__ import annotations

import dataclasses
import math
import os
import select
import time
from collections import deque
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from harness.core.status import Status
from harness.sandbox.answer import Answer, describe, read_answer
from harness.sandbox.box_process import BoxProcess
from harness.sandbox.fault import BoxFault, guard_fault
from harness.sandbox.frame_reader import FREE_BYTES, GROWTH, Frame, FrameReader
from harness.sandbox.limits import Limits
from harness.sandbox.usage import Usage
from harness.sandbox.wire import BODY, CHUNK, HEADER, NONCE, SOURCE
from harness.sandbox.zygote_process import ZygoteProcess

MAX_DIGITS = 8  # of a line number
QUICK = 0.02  # of the call limit
MIN_DELAY = 1e-3  # seconds without a core that move a deadline
MAX_EXCUSED, FAIR_SHARE = 4.0, 0.5  # of a limit: how far it moves, and the CPU time with which it does not
PAUSE = 0.1  # seconds after a deadline at which it is noticed by a process that runs
LOADING, CALLING = "while loading", "in a call"


class PolledBox:
    """An open box. As a context manager it is killed on exit in every case.

    A normal exit also checks that the subject sent nothing after the last answer (BoxFault with status `protocol`).
    Wait until `fileno` is readable (or, while `unsent`, `write_fileno` is writable) or until `deadline` has passed,
    then call `receive_ready`.

    Attributes:
        deadline: When the subject must have answered, by `time.monotonic`; infinite while nothing is asked.
        entry_line: First line of the entry's function in the source, as the box says; negative if another object
            wraps it, 0 if it is not a function of the source.
        is_quick: Whether its last answer took a small part of the call limit.
    """

    def __init__(self, zygote: ZygoteProcess, source: bytes, *, entry: str, limits: Limits) -> None:
        self._limits = limits
        self.is_quick, self.entry_line = False, 0
        self._load_ms = self._load_cpu = self._last_cpu = self._idle_cpu = self._cpu_before = self._excused = 0.0
        self._frames = FrameReader(limits)
        self._sequence = int.from_bytes(os.urandom(NONCE), "little")
        self._unsent: bytes | memoryview = b""
        self._expected: deque[bytes] = deque()
        self._when, self._limit = LOADING, limits.load_seconds
        self._process = BoxProcess(zygote, limits)
        self._closed = self._is_timed = self._was_paused = False
        self._begun = self._idle_since = self._arrived = time.monotonic()
        self._end = self._begun + limits.total_seconds
        self.deadline = min(self._begun + self._limit, self._end)
        try:
            self._send_source(source, entry)
        except BaseException:
            self.close()
            raise

    def _send_source(self, source: bytes, entry: str) -> None:
        name, nonce = entry.encode(), self._nonce()
        self._expected.append(nonce)
        header = HEADER.pack(b"S", NONCE + SOURCE.size + len(name) + len(source))
        self._send(header + nonce + SOURCE.pack(len(name)) + name + source)

    @property
    def pid(self) -> int:
        """Process id in this process's namespace; 0 after the box was reaped."""
        return self._process.pid

    @property
    def usage(self) -> Usage:
        """What the box used; final after `close`."""
        return dataclasses.replace(
            self._process.usage,
            load_ms=self._load_ms,
            load_cpu_ms=self._load_cpu * 1e3,
            idle_cpu_ms=self._idle_cpu * 1e3,
        )

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
        return self._process.read

    def write_fileno(self) -> int:
        """The descriptor that becomes writable when more of a long question can be sent."""
        return self._process.write

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
        self._send_questions(len(question), (question,), seconds)
        self._is_timed = True

    def send_all(self, questions: Sequence[bytes], *, seconds: float | None = None) -> None:
        """Ask several questions at once; each answer must come in order, within the limit after the one before it.

        The subject can read later questions before it answers earlier ones, and it decides when an answer is sent. So
        only all of them together are timed: the last answer has the CPU time of all, the others have none.

        Raises:
            BoxFault: if the subject has ended, or sent data that was not requested.
        """
        if questions:
            self._send_questions(sum(map(len, questions)), questions, seconds)
            self._is_timed = False

    def _send_questions(self, length: int, questions: Sequence[bytes], seconds: float | None) -> None:
        process, frames = self._process, self._frames
        if frames.buffer or process.poll.poll(0):
            self._check_unrequested("before a question was asked")
        frames.allow(len(questions) * (FREE_BYTES // GROWTH) + length)
        parts: list[bytes] = []
        for question in questions:
            nonce = self._nonce()
            self._expected.append(nonce)
            parts += (HEADER.pack(b"Q", NONCE + len(question)), nonce, question)
        self._limit, self._was_paused = self._limits.call_seconds if seconds is None else seconds, False
        self._cpu_before = cpu = process.cpu()
        self._idle_cpu += cpu - self._last_cpu
        self._begun = begun = time.monotonic()
        self._end += begun - self._idle_since  # the parent's work between questions does not count against the subject
        self.deadline = min(begun + self._limit, self._end)
        self._send(b"".join(parts))

    def receive_ready(self, least: float = 0.0) -> Answer | None:
        """The next answer that has arrived completely; None while there is none, and when the source has loaded.

        Several answers may have arrived at once, so it is called until it returns None or the box is idle.

        Args:
            least: Seconds after which it may have arrived at the earliest, for `Answer.least_seconds`.

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
            late = time.monotonic() - self.deadline
            if late > PAUSE and not self._was_paused:
                # This process did not run when the time was over (SIGSTOP, a paused container or virtual machine), so
                # the subject may not have run either: it gets that time once more.
                self._was_paused = True
                self._end += late
                self.deadline += late + min(late, self._limit)
            elif late >= 0 and not self._excuse_delay(late):
                raise self._timeout_fault()
            return None
        if self._when == CALLING:
            return self._accept_answer(frame, least)
        self._accept_loading(frame)
        return None

    def _accept_answer(self, frame: Frame, least: float) -> Answer:
        if frame[0] == b"F":
            raise guard_fault(frame[2], CALLING)
        if (late := self._arrived - self.deadline) > 0:  # the answer came before anything looked at the clock
            self._excuse_delay(late)
        elapsed, used = self._arrived - self._begun, None
        if self._is_timed or len(self._expected) == 1:
            self._last_cpu = self._process.cpu()
            if self._process.has_clock:
                used = self._last_cpu - self._cpu_before
        counted = max(used or 0.0, elapsed - self._moved) if self._is_timed else elapsed - self._moved
        answer = read_answer(
            frame,
            self._expected.popleft(),
            seconds=counted,
            cpu_seconds=used,
            least_seconds=max(0.0, min(counted, least)),
            limits=self._limits,
        )
        self.is_quick = elapsed <= self._limit * QUICK
        self._begun = self._idle_since = self._arrived
        self.deadline = min(self._begun + self._limit, self._end) if self._expected else math.inf
        return answer

    def _read_frame(self) -> Frame | None:
        frames = self._frames
        while True:
            if frames.buffer and (frame := frames.take(self._when)) is not None:
                return frame
            try:
                data = os.read(self._process.read, CHUNK)
            except BlockingIOError:
                return None
            self._arrived = time.monotonic()
            if not data:
                raise self._process.exit_fault(self._when)
            if not frames.buffer and (frame := frames.take_single(data)) is not None:
                return frame
            frames.buffer += data

    def _accept_loading(self, frame: Frame) -> None:
        tag, seen, body = frame
        self._idle_since = self._arrived
        self._load_ms = (self._arrived - self._begun) * 1e3
        self._load_cpu = self._last_cpu = self._process.cpu()
        if tag == b"F":
            raise guard_fault(body, LOADING)
        if seen != self._expected.popleft():
            raise BoxFault(Status.PROTOCOL, "the subject sent an unrequested frame while loading")
        if tag == b"M":
            raise BoxFault(Status.MEMORY, f"out of memory while loading ({self._limits.memory_text})")
        if tag == b"E":
            raise BoxFault(Status.CRASH, f"loading raised {describe(body)}")
        if tag == b"L" and (not body or (body.removeprefix(b"-").isdigit() and len(body) < MAX_DIGITS)):
            self.entry_line = int(body or b"0")
        else:
            raise BoxFault(Status.PROTOCOL, f"an unexpected frame {tag!r} while loading")
        self._when, self.deadline = CALLING, math.inf

    def _nonce(self) -> bytes:
        self._sequence = (self._sequence + 1) & 0xFFFFFFFFFFFFFFFF
        return self._sequence.to_bytes(NONCE, "little")

    def _send(self, data: bytes | memoryview) -> None:
        try:
            written = os.write(self._process.write, data)
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
                data = os.read(self._process.read, CHUNK)
            except BlockingIOError:
                return
        if data[:1] == b"F" and len(data) >= BODY:  # a thread of the subject, between two questions
            raise guard_fault(data[BODY:], when)
        raise BoxFault(Status.PROTOCOL, f"data was sent {when}") if data else self._process.exit_fault(when)

    @property
    def _moved(self) -> float:
        """Seconds by which the deadline of this call was moved, since the subject had no core."""
        return max(0.0, self.deadline - self._begun - self._limit)

    def _excuse_delay(self, late: float) -> bool:
        """Move a deadline by the time for which the subject was ready and had no core; false if it has passed even so.

        The kernel counts that time from the start of the box, so what the subject did not compute is a bound as well. A
        subject that computed for `FAIR_SHARE` of its limit is not excused: on a busy machine endless loops would last.

        Args:
            late: Seconds since the deadline.
        """
        excused = self._moved
        used = self._process.cpu() - self._cpu_before
        delay = min(
            time.monotonic() - self._begun - excused - used,
            self._process.delay() - self._excused,
            MAX_EXCUSED * self._limit - excused,
        )
        if delay < max(MIN_DELAY, late) or used >= FAIR_SHARE * self._limit:
            return False
        self._excused += delay
        self._end += delay
        self.deadline += delay
        return True

    def _timeout_fault(self) -> BoxFault:
        if time.monotonic() >= self._end:
            return BoxFault(
                Status.TIMEOUT, f"loading and all calls together took longer than {self._limits.total_seconds:g} s"
            )
        return BoxFault(Status.TIMEOUT, f"no answer {self._when} within {self._limit:g} s")

    def finish(self) -> None:
        """Check that the subject sent nothing after the last answer.

        Raises:
            BoxFault: with status `protocol`, if unread data exists.
        """
        if not self._process.pid:
            return
        if self._frames.buffer or any(event & select.POLLIN for _fd, event in self._process.poll.poll(0)):
            self._check_unrequested("after the last answer")
            raise BoxFault(Status.PROTOCOL, "data was sent after the last answer")

    def close(self) -> None:
        """Kill and reap the child process and close the channel. Idempotent."""
        if self._closed:
            return
        self._closed = True
        self._process.close()

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
