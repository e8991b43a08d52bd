"""JSON-lines worker: a child process that answers each JSON line on its standard input with one on standard output.

Both ends are here. The parent bounds each answer in time and size, keeps the standard error in a file, and kills the
process group. All trusted helper processes of the lanes (oracles, references, device workers) speak this way.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO, Protocol, TextIO, cast

from harness.lane.pinned_file import FileFaultError, read_plain_file
from harness.sandbox.loop import Wait, drive

MAX_LINE = 1 << 26  # bytes of one answer
_ROOT = Path(__file__).resolve().parents[2]
_CHUNK = select.PIPE_BUF  # a pipe that is ready for writing takes this many bytes without blocking


class WorkerFault(Exception):  # noqa: N818 - the caller decides whether this is an error
    """A worker did not answer a request.

    Attributes:
        note: The fault that the worker reported (`kind` and `error`); empty if it reported none.
        code: Its exit status if it ended, else None.
    """

    def __init__(self, note: dict[str, Any], code: int | None) -> None:
        super().__init__(str(note.get("error", "no answer in time" if code is None else f"exit status {code}")))
        self.note, self.code = note, code

    @property
    def is_late(self) -> bool:
        """Whether the worker still ran and had not answered when the time was over."""
        return self.code is None and not self.note

    @property
    def was_killed(self) -> bool:
        """Whether it was ended from outside (SIGKILL), as the kernel does when the machine is out of memory."""
        return self.code == -signal.SIGKILL


class Process(Protocol):
    """A process of a worker, in a process group of its own."""

    @property
    def pid(self) -> int:
        """Its process id, which is also its process group's."""
        ...

    @property
    def stdin(self) -> BinaryIO:
        """The end of a pipe to its standard input, unbuffered."""
        ...

    @property
    def stdout(self) -> BinaryIO:
        """The end of a pipe from its standard output, unbuffered."""
        ...

    def wait(self, timeout: float) -> int:
        """Its exit status, negative for a signal.

        Raises:
            subprocess.TimeoutExpired: if it still runs after `timeout` seconds.
        """
        ...

    def end(self) -> None:
        """Kill its process group, and wait until it has ended."""
        ...


class _ExecutedProcess:
    """A process that was started by exec."""

    def __init__(
        self, command: list[str], folder: Path, environment: Mapping[str, str] | None, errors: BinaryIO
    ) -> None:
        self._process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            bufsize=0,
            start_new_session=True,  # Ctrl-C is for the parent to handle
        )
        self.pid, self.wait = self._process.pid, self._process.wait
        self.stdin, self.stdout = cast("BinaryIO", self._process.stdin), cast("BinaryIO", self._process.stdout)

    def end(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self.wait()


def interpreter_command(module: str, arguments: tuple[str | int, ...]) -> list[str]:
    """The command of an interpreter that calls `main` of a module."""
    start = f"import sys; sys.path.insert(0, {str(_ROOT)!r}); from {module} import main; main(*{arguments!r})"
    return [sys.executable, "-P", "-s", "-B", "-c", start]


class JsonWorker:
    """The parent's end of one worker.

    Args:
        module: The module whose `main` the process runs.
        arguments: What `main` is called with; strings and integers.
        log: The file that receives its standard error.
        environment: Its environment variables; by default those of this process.
    """

    def __init__(
        self,
        module: str,
        *arguments: str | int,
        folder: Path,
        log: Path,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._log = log
        self._buffer = bytearray()
        with log.open("wb") as errors:
            self._process: Process = self.start(module, arguments, folder, environment, errors)

    @staticmethod
    def start(
        module: str,
        arguments: tuple[str | int, ...],
        folder: Path,
        environment: Mapping[str, str] | None,
        errors: BinaryIO,
    ) -> Process:
        """Start the process, by exec; its standard error is `errors`."""
        return _ExecutedProcess(interpreter_command(module, arguments), folder, environment, errors)

    @property
    def pid(self) -> int:
        """Its process id, which is also its process group's."""
        return self._process.pid

    @property
    def requests(self) -> int:
        """The descriptor to which requests are written."""
        return self._descriptor(self._process.stdin)

    @property
    def answers(self) -> int:
        """The descriptor from which answers are read."""
        return self._descriptor(self._process.stdout)

    def wait(self, seconds: float) -> int | None:
        """Its exit status; None if it still runs after `seconds`."""
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    @property
    def last_error(self) -> str:
        """The last line of its standard error; empty if there is none."""
        return last_line(self._log)

    def ask(self, request: dict[str, Any], *, timeout: float) -> dict[str, Any]:
        """Send a request and wait for its answer.

        Args:
            timeout: Seconds for both.

        Raises:
            WorkerFault: if the worker ended, was late, or answered something other than a JSON object.
        """
        return drive(self.exchange(request, timeout=timeout))

    def receive(self, *, timeout: float) -> dict[str, Any]:
        """Wait for a line that no request precedes.

        Raises:
            WorkerFault: as `ask`.
        """
        return drive(self.exchange(None, timeout=timeout))

    async def exchange(self, request: dict[str, Any] | None, *, timeout: float) -> dict[str, Any]:
        """`ask` for a coroutine, or `receive` if the request is None; two coroutines must not use it at once.

        Raises:
            WorkerFault: as `ask`.
        """
        deadline = time.monotonic() + timeout
        if request is not None:
            await self._send(json.dumps(request).encode() + b"\n", deadline)
        return await self._receive(deadline)

    def close(self, *, grace: float = 0.0) -> None:
        """Close the pipes, wait up to `grace` seconds for the process to end, and kill its process group."""
        for stream in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                stream.close()
        if grace:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(grace)
        self._process.end()

    async def _send(self, data: bytes, deadline: float) -> None:
        descriptor = self.requests
        rest = memoryview(data)
        while rest:
            if not await Wait(deadline, writing=descriptor):
                raise WorkerFault({}, None)
            try:
                rest = rest[os.write(descriptor, rest[:_CHUNK]) :]
            except BrokenPipeError:  # the worker ended; reading finds its exit status
                return

    async def _receive(self, deadline: float) -> dict[str, Any]:
        descriptor = self.answers
        while b"\n" not in self._buffer:
            if not await Wait(deadline, descriptor):
                raise WorkerFault({}, None)
            data = os.read(descriptor, 1 << 16)
            if not data:
                raise WorkerFault({}, self.wait(10))
            self._buffer += data
            if len(self._buffer) > MAX_LINE:
                raise WorkerFault({"error": f"an answer of more than {MAX_LINE >> 20} MiB"}, None)
        line, _, self._buffer = self._buffer.partition(b"\n")
        try:
            answer = json.loads(line)
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict):
            raise WorkerFault({"error": "an answer that is not a JSON object"}, None)
        return answer

    @staticmethod
    def _descriptor(stream: BinaryIO) -> int:
        if stream.closed:
            raise WorkerFault({"error": "the process was closed"}, None)
        return stream.fileno()


def claim_channel() -> tuple[TextIO, TextIO]:
    """Take this process's standard input and output as the channel to its parent.

    Afterwards standard input is empty, and what is printed goes to standard error.

    Returns:
        The stream of requests and the stream of answers.
    """
    requests, answers = claim_descriptors()
    return os.fdopen(requests, "r"), os.fdopen(answers, "w")


def claim_descriptors() -> tuple[int, int]:
    """`claim_channel` for a process that reads and writes by itself; the process ends with its parent."""
    sys.stdout.flush()
    requests, answers = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.dup2(2, 1)
    if sys.platform == "linux":
        from harness.sandbox.syscalls import PR_SET_PDEATHSIG, prctl

        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    return requests, answers


def answer_requests(answer: Callable[[dict[str, Any]], dict[str, Any]], requests: TextIO, answers: TextIO) -> None:
    """Answer each request in turn until the parent closes the channel; `answer` must not raise."""
    for line in requests:
        send_answer(answer(json.loads(line)), answers)


def send_answer(value: dict[str, Any], answers: TextIO) -> None:
    """Write an answer as one line of JSON, and flush it."""
    answers.write(json.dumps(value) + "\n")
    answers.flush()


def last_line(path: Path) -> str:
    """The last line of a log; empty if there is none."""
    try:
        data = read_plain_file(path, max_bytes=4000, tail=True)
    except FileFaultError:
        return ""
    lines = data.decode("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else ""
