"""Forked worker: a disposable process for work on hostile data, forked from this one, so that it starts at once.

It speaks like a `JsonWorker`. It keeps no descriptor of this process, and its memory and its CPU time for each request
are bounded.
"""

from __future__ import annotations

import contextlib
import gc
import math
import os
import resource
import signal
import subprocess
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from harness.core.resources import mapped_bytes
from harness.lane.json_worker import JsonWorker, answer_requests

MAX_DESCRIPTOR = 1 << 16  # descriptors below it are closed in the worker
POLL_SECONDS = 0.001  # between two checks of a process that ends


class ForkedWorker(JsonWorker):
    """The parent's end of one forked worker.

    Args:
        answer: Answers a request; it runs in the worker and may raise, which ends it.
        cpu_seconds: Limit on the CPU time of one request.
        memory_bytes: Limit on the memory that it uses beyond that of this process.
    """

    def __init__(
        self, answer: Callable[[dict[str, Any]], dict[str, Any]], *, cpu_seconds: int, memory_bytes: int
    ) -> None:
        self._buffer = bytearray()
        self._log = Path(os.devnull)
        theirs_in, ours_out = os.pipe()
        ours_in, theirs_out = os.pipe()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # other threads of this process: the child needs none
            pid = os.fork()
        if pid == 0:
            _work(theirs_in, theirs_out, answer, cpu_seconds, memory_bytes)
        os.close(theirs_in)
        os.close(theirs_out)
        with contextlib.suppress(OSError):
            os.setpgid(pid, pid)
        self._process = _ForkedProcess(pid, ours_out, ours_in)


class _ForkedProcess:
    """A child of this process: a `Process` of a `JsonWorker`."""

    def __init__(self, pid: int, stdin: int, stdout: int) -> None:
        self.pid = pid
        self.stdin = os.fdopen(stdin, "wb", 0)
        self.stdout = os.fdopen(stdout, "rb", 0)
        self._code: int | None = None

    def wait(self, timeout: float) -> int:
        deadline = time.monotonic() + timeout
        while self._code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._code = os.waitstatus_to_exitcode(status)
            elif time.monotonic() > deadline:
                raise subprocess.TimeoutExpired("a forked worker", timeout)
            else:
                time.sleep(POLL_SECONDS)
        return self._code

    def end(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self.wait(math.inf)


def _work(
    requests: int,
    answers: int,
    answer: Callable[[dict[str, Any]], dict[str, Any]],
    cpu_seconds: int,
    memory_bytes: int,
) -> NoReturn:
    code = 1
    try:
        gc.freeze()
        os.setpgid(0, 0)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGXCPU):
            signal.signal(number, signal.SIG_DFL)
        requests, answers = os.dup2(requests, 0), os.dup2(answers, 1)
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 2)
        os.closerange(3, MAX_DESCRIPTOR)
        _limit(resource.RLIMIT_CORE, 0)
        size = mapped_bytes()
        if size:
            _limit(resource.RLIMIT_AS, size + memory_bytes)

        def bounded(request: dict[str, Any]) -> dict[str, Any]:
            used = resource.getrusage(resource.RUSAGE_SELF)
            _limit(resource.RLIMIT_CPU, int(used.ru_utime + used.ru_stime) + 1 + cpu_seconds)
            return answer(request)

        with os.fdopen(requests, encoding="utf-8") as lines, os.fdopen(answers, "w", encoding="utf-8") as out:
            answer_requests(bounded, lines, out)
        code = 0
    finally:
        os._exit(code)


def _limit(kind: int, value: int) -> None:
    hard = resource.getrlimit(kind)[1]
    resource.setrlimit(kind, (value if hard == resource.RLIM_INFINITY else min(value, hard), hard))
