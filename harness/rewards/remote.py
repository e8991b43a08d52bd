"""Remote: a judge service as a pool (`crucible serve`)."""

from __future__ import annotations

import asyncio
import base64
import http.client
import json
import os
import threading
import time
from collections import deque
from collections.abc import Iterable
from concurrent.futures import Future
from http import HTTPStatus
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from harness.core.closing import Closing
from harness.core.errors import CrucibleError, InfraError, UsageError
from harness.core.nearest import nearest
from harness.core.resources import start_thread
from harness.core.status import Status
from harness.judge.kept_sources import many, source_bytes
from harness.judge.pool import Source
from harness.lane.controls import Controls
from harness.lane.pinned_file import Fault, FileFaultError, read_plain_file
from harness.rewards.wire import MAX_SOURCE, Health, JudgeResponse, VerdictRow

BATCH = 64  # candidates of one request
LANES = 8  # requests at a time
MAX_BATCH = 4 << 20  # characters of one request
LINGER_SECONDS = 0.002  # in which candidates may join a request
WAITS = (0.2, 1.0, 3.0)  # seconds before a request that failed is sent again
TOKEN_VARIABLE = "CRUCIBLE_TOKEN"  # noqa: S105 - its name


class _Kind(NamedTuple):
    verb: str
    tool: str | None
    mode: str


class _Job(NamedTuple):
    kind: _Kind
    source: str | dict[str, str]
    caller: Future[RemoteVerdict]


class RemoteVerdict:
    """The verdict of a service; it has no evaluation, which would name hidden inputs.

    Attributes:
        status: ok, wrong, timeout, …; see `Status`.
        passed: Whether the status is ok and every gate passes.
        score: The score between 0 and 1; None if the candidate was not judged.
        reward: 1.0 if it passed, else 0.0; None where the verdict says nothing about the candidate, or the service is
            degraded.
        graded: `reward`, but for a wrong candidate half the share of its right answers.
        feedback: What may be reported to its author.
        digest: Hex SHA-256 of the candidate.
    """

    __slots__ = ("digest", "feedback", "graded", "passed", "reward", "score", "status")

    def __init__(self, row: VerdictRow) -> None:
        self.status = Status(row.status)
        self.passed, self.score, self.digest = row.passed, row.score, row.digest
        self.reward, self.graded, self.feedback = row.reward, row.graded, row.feedback

    @property
    def why(self) -> str:
        """`feedback`: a service reports no more."""
        return self.feedback


class Remote(Closing):
    """A judge service with the methods of a `JudgePool`; any thread may use it. Use it as a context manager.

    Args:
        url: Where the service is, such as `http://127.0.0.1:8123`.
        tool: The tool that is meant where none is named; may be left out where the service has one.
        token: Its bearer token; by default that of the environment, `CRUCIBLE_TOKEN`.
        timeout: Seconds that one request may take, queue included.

    Raises:
        UsageError: if the URL, the token or the tool is wrong.
        InfraError: if the service cannot be reached.
    """

    def __init__(self, url: str, *, tool: str | None = None, token: str | None = None, timeout: float = 600.0) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UsageError("it is not the address of a service", where=url, fix="write http://HOST:PORT")
        self.url, self._parts, self._timeout = url, parts, timeout
        self._token = os.environ.get(TOKEN_VARIABLE, "") if token is None else token
        self._local = threading.local()
        self._waiting: deque[_Job] = deque()
        self._change = threading.Condition()
        self._lanes = self._idle = 0
        self._is_closed = False
        self._entries = {row.name: row.entry for row in self.health().tools}
        if tool is not None and tool not in self._entries:
            raise UsageError(f"the service has no tool {tool!r}{nearest(tool, self._entries)}", where=url)
        self._tool = tool

    @property
    def tools(self) -> tuple[str, ...]:
        """The names of the service's tools; only the one that was named."""
        return tuple(self._entries) if self._tool is None else (self._tool,)

    def health(self) -> Health:
        """The state of the service: its tools, how many candidates wait, what was judged.

        Raises:
            UsageError: if the token is wrong.
            InfraError: if the service cannot be reached.
        """
        return Health.from_wire(self._ask("GET", "/v1/health", b""))

    @property
    def degraded(self) -> str:
        """Why no reward of this service counts; empty while all do."""
        return self.health().degraded

    def judge(self, source: Source, *, tool: str | None = None) -> RemoteVerdict:
        """As `JudgePool.judge`."""
        return self.submit(source, tool=tool).result()

    async def ajudge(self, source: Source, *, tool: str | None = None) -> RemoteVerdict:
        """As `JudgePool.ajudge`."""
        return await asyncio.wrap_future(self.submit(source, tool=tool))

    def judge_all(self, sources: Iterable[Source], *, tool: str | None = None) -> list[RemoteVerdict]:
        """As `JudgePool.judge_all`."""
        asked = [self.submit(source, tool=tool) for source in many(sources, one="judge(source)")]
        return [found.result() for found in asked]

    def screen_all(self, sources: Iterable[Source], *, tool: str | None = None) -> list[RemoteVerdict]:
        """As `JudgePool.screen_all`."""
        given = many(sources, one="screen_all([source])")
        return [found.result() for found in [self.submit(source, screen=True, tool=tool) for source in given]]

    def submit(
        self, source: Source, *, screen: bool = False, graded: bool = False, tool: str | None = None
    ) -> Future[RemoteVerdict]:
        """As `JudgePool.submit`; candidates that are submitted within two milliseconds share a request.

        The future has an `InfraError` where the service cannot be reached, and a `UsageError` where it refuses.

        Raises:
            InfraError: if this client was closed.
            TypeError: if the source is neither text, bytes nor a path.
        """
        caller: Future[RemoteVerdict] = Future()
        try:
            wire = _to_wire(source)
        except FileFaultError as fault:  # data, as for a pool
            caller.set_result(_unreadable(fault))
            return caller
        kind = _Kind("screen" if screen else "judge", tool or self._tool, "graded" if graded else "pass")
        with self._change:
            if self._is_closed:
                raise InfraError("the client is closed", where=self.url)
            self._waiting.append(_Job(kind, wire, caller))
            if not self._idle and self._lanes < LANES:
                start_thread(self._serve, name="crucible-remote")
                self._lanes += 1
            self._change.notify()
        return caller

    def controls(self, tool: str | None = None) -> Controls | None:
        """The entry of a tool's candidates; the service has controls of its own."""
        name = tool or self._tool or self.tools[0]
        return Controls(self._entries.get(name, ""), None, {})

    def close(self) -> None:
        """End the connections; candidates that were not sent are cancelled."""
        with self._change:
            self._is_closed = True
            left = list(self._waiting)
            self._waiting.clear()
            self._change.notify_all()
        for job in left:
            job.caller.cancel()

    def _serve(self) -> None:
        """One connection: sends what waits, a batch at a time."""
        while True:
            with self._change:
                self._idle += 1
                self._change.wait_for(lambda: self._waiting or self._is_closed)
                self._idle -= 1
                if self._is_closed:
                    return
            time.sleep(LINGER_SECONDS)
            jobs = self._take()
            if not jobs:
                continue
            kind = jobs[0].kind
            body = {"tool": kind.tool, "mode": kind.mode, "sources": [job.source for job in jobs]}
            try:
                answer = self._ask("POST", f"/v1/{kind.verb}", json.dumps(body).encode())
                rows = JudgeResponse.from_wire(answer).verdicts
                if len(rows) != len(jobs):
                    raise InfraError(f"{len(jobs)} candidates, but {len(rows)} verdicts", where=self.url)
            except (CrucibleError, ValueError) as error:
                refused = (
                    error if isinstance(error, CrucibleError) else InfraError(f"no answer: {error}", where=self.url)
                )
                for job in jobs:
                    job.caller.set_exception(refused)
            else:
                for job, row in zip(jobs, rows, strict=True):
                    job.caller.set_result(RemoteVerdict(row))

    def _take(self) -> list[_Job]:
        """The next candidates of one kind, as many as one request bears."""
        taken: list[_Job] = []
        with self._change:
            size = 0
            while self._waiting and len(taken) < BATCH:
                job = self._waiting[0]
                size += len(job.source if isinstance(job.source, str) else job.source["base64"])
                if taken and (job.kind != taken[0].kind or size > MAX_BATCH):
                    break
                self._waiting.popleft()
                if job.caller.set_running_or_notify_cancel():
                    taken.append(job)
        return taken

    def _answer_of(self, data: bytes) -> dict[str, Any]:
        try:
            answer = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise InfraError(f"the answer is not JSON: {error}", where=self.url) from error
        if not isinstance(answer, dict):
            raise InfraError("the answer is not a JSON object", where=self.url)
        return answer

    def _ask(self, method: str, path: str, body: bytes) -> dict[str, Any]:
        """Send a request until it is answered; a busy service is waited for."""
        until = time.monotonic() + self._timeout
        waits = list(WAITS)
        while True:
            try:
                status, headers, data = self._send(method, path, body)
            except (OSError, http.client.HTTPException) as error:
                self._local.connection = None
                pause, why = (waits.pop(0) if waits else None), f"{type(error).__name__}: {error}"
            else:
                if status == HTTPStatus.OK:
                    return self._answer_of(data)
                why = _reason(status, data)
                if status == HTTPStatus.TOO_MANY_REQUESTS:
                    pause = float(headers.get("Retry-After", "1"))
                elif status == HTTPStatus.SERVICE_UNAVAILABLE:
                    pause = waits.pop(0) if waits else None
                elif status == HTTPStatus.UNAUTHORIZED:
                    raise UsageError(why, where=self.url, fix=f"pass token=..., or set {TOKEN_VARIABLE}")
                elif status < HTTPStatus.INTERNAL_SERVER_ERROR:
                    raise UsageError(why, where=self.url)
                else:
                    raise InfraError(why, where=self.url)
            if pause is None or time.monotonic() + pause > until:
                raise InfraError(f"the service does not answer: {why}", where=self.url)
            time.sleep(pause)

    def _send(self, method: str, path: str, body: bytes) -> tuple[int, http.client.HTTPMessage, bytes]:
        connection: http.client.HTTPConnection | None = getattr(self._local, "connection", None)
        if connection is None:
            kind = http.client.HTTPSConnection if self._parts.scheme == "https" else http.client.HTTPConnection
            connection = kind(str(self._parts.hostname), self._parts.port, timeout=self._timeout)
            self._local.connection = connection
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        connection.request(method, f"{self._parts.path.rstrip('/')}{path}", body, headers)
        response = connection.getresponse()
        return response.status, response.headers, response.read()


def _to_wire(source: Source) -> str | dict[str, str]:
    if isinstance(source, os.PathLike):
        source = read_plain_file(Path(source), max_bytes=MAX_SOURCE)
    if isinstance(source, str):
        return source[:MAX_SOURCE]
    data = source_bytes(source)[:MAX_SOURCE]
    try:
        return data.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}


def _unreadable(fault: FileFaultError) -> RemoteVerdict:
    is_ours = fault.kind is Fault.REFUSED
    status = Status.INFRA if is_ours else Status.FORBIDDEN if fault.kind is Fault.LINK else Status.CRASH
    reward = None if is_ours else 0.0
    row = VerdictRow(
        status=status.value, passed=False, score=None, reward=reward, graded=reward, feedback=str(fault), digest=""
    )
    return RemoteVerdict(row)


def _reason(status: int, data: bytes) -> str:
    try:
        return str(json.loads(data)["error"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return f"HTTP status {status}"
