"""Service: a pool behind HTTP, as a Starlette application (`crucible serve`)."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import hmac
import json
import math
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from uvicorn.protocols.http.h11_impl import H11Protocol

from harness.core.clip import clip
from harness.core.errors import CrucibleError, UsageError
from harness.rewards.checked_judge import CheckedJudge
from harness.rewards.openapi import openapi
from harness.rewards.wire import MAX_BODY, VERSION, Health, JudgeRequest, JudgeResponse, ToolRow, VerdictRow

HEAD_SECONDS = 20.0  # in which the head of a request must arrive
BODY_SECONDS = 60.0  # in which its body must
RATE_WINDOW = 256  # verdicts from which the time until there is room is estimated
MAX_RETRY_SECONDS = 60


@dataclass(frozen=True, slots=True)
class _Refusal(Exception):  # noqa: N818 - an answer
    status: int
    error: str
    headers: tuple[tuple[str, str], ...] = ()


class Service:
    """The application's state.

    Args:
        judge: Judges the candidates; `degraded` turns all rewards off.
        queue: The most candidates that may be judged or wait.
        max_body: The most bytes of a request.
    """

    def __init__(self, judge: CheckedJudge, *, token: str, queue: int, max_body: int = MAX_BODY) -> None:
        self.judge, self._token, self._queue, self._max_body = judge, token, queue, max_body
        self._waiting = 0
        self._judged: Counter[str] = Counter()
        self._times: deque[float] = deque(maxlen=RATE_WINDOW)

    def application(self) -> Starlette:
        """The ASGI application."""
        routes = [
            Route("/v1/judge", self._answers(self._judge), methods=["POST"]),
            Route("/v1/screen", self._answers(self._screen), methods=["POST"]),
            Route("/v1/health", self._answers(self._health, is_open=True), methods=["GET"]),
            Route("/v1/openapi.json", self._answers(self._openapi), methods=["GET"]),
        ]
        handlers: dict[Any, Any] = {404: _not_found, 405: _not_found}
        return Starlette(routes=routes, exception_handlers=handlers)

    def _answers(
        self, handler: Callable[[Request], Awaitable[Any]], *, is_open: bool = False
    ) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            try:
                if not is_open and not self._is_authorised(request):
                    challenge = (("WWW-Authenticate", "Bearer"),)
                    raise _Refusal(401, "the bearer token is missing or wrong", challenge)
                return _json(200, await handler(request))
            except _Refusal as refusal:
                return _json(refusal.status, {"error": refusal.error}, refusal.headers)
            except UsageError as error:
                return _json(422, {"error": str(error)})
            except CrucibleError as error:
                return _json(503, {"error": str(error)}, (("Retry-After", "1"),))
            except ClientDisconnect:
                return Response(status_code=499)  # the client has left

        return answer

    def _is_authorised(self, request: Request) -> bool:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        return scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), self._token.encode())

    async def _judge(self, request: Request) -> dict[str, Any]:
        return await self._verdicts(request, screen=False)

    async def _screen(self, request: Request) -> dict[str, Any]:
        return await self._verdicts(request, screen=True)

    async def _verdicts(self, request: Request, *, screen: bool) -> dict[str, Any]:
        asked = await self._read(request)
        count = len(asked.sources)
        if count > self._queue:
            raise _Refusal(413, f"{count} sources, more than the queue of {self._queue} takes: send fewer")
        if self._waiting + count > self._queue:
            headers = (("Retry-After", str(self._seconds_until_room(count))),)
            raise _Refusal(429, f"{self._waiting} candidates wait, the queue takes {self._queue}", headers)
        if asked.tool is None and len(self.judge.pool.tools) > 1:
            raise _Refusal(422, f"name a tool: {', '.join(self.judge.pool.tools)}")
        self._waiting += count
        try:
            is_graded = asked.mode == "graded"
            futures = [
                asyncio.wrap_future(self.judge.submit(source, screen=screen, graded=is_graded, tool=asked.tool))
                for source in asked.sources
            ]
            controls = [asyncio.ensure_future(_arrival(found)) for found in self.judge.outstanding()]
            await _while_connected(request, [*futures, *controls])
        finally:
            self._waiting -= count
        degraded = self.judge.examine()
        rows = tuple(_row(future.result(), asked.mode, degraded) for future in futures)
        self._judged.update(row.status for row in rows)
        self._times.extend([time.monotonic()] * count)
        return JudgeResponse(verdicts=rows, degraded=degraded).to_wire()

    async def _health(self, request: Request) -> dict[str, Any]:
        status: Literal["ok", "degraded"] = "degraded" if self.judge.degraded else "ok"
        if not self._is_authorised(request):
            if "authorization" in request.headers:
                raise _Refusal(401, "the bearer token is wrong", (("WWW-Authenticate", "Bearer"),))
            return {"status": status, "version": VERSION}
        health = Health(
            status=status,
            degraded=self.judge.degraded,
            tools=tuple(ToolRow(name=name, entry=self.judge.entry(name)) for name in self.judge.pool.tools),
            waiting=self._waiting,
            queue=self._queue,
            judged=dict(self._judged),
            checks=dict(self.judge.checks),
        )
        return health.to_wire()

    async def _openapi(self, _request: Request) -> dict[str, Any]:
        return openapi()

    async def _read(self, request: Request) -> JudgeRequest:
        """The request, if it is not too large, too slow or wrong."""
        body = bytearray()
        try:
            async with asyncio.timeout(BODY_SECONDS):
                async for chunk in request.stream():
                    body += chunk
                    if len(body) > self._max_body:
                        raise _Refusal(413, f"the request has more than {self._max_body >> 20} MiB: send fewer sources")
        except TimeoutError:
            raise _Refusal(408, f"the request did not arrive within {BODY_SECONDS:g} s") from None
        try:
            value = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise _Refusal(400, f"the request is not JSON: {error}") from None
        for key in value if isinstance(value, dict) else ():  # pydantic would describe each of two million
            if key not in JudgeRequest.model_fields:
                raise _Refusal(422, clip(f"{key}: a request has no such key, but sources, tool and mode"))
        try:
            return JudgeRequest.model_validate(value)
        except ValidationError as error:
            problem = error.errors(include_url=False)[0]
            where = ".".join(map(str, problem["loc"])) or "the request"
            raise _Refusal(422, f"{where}: {problem['msg'].removeprefix('Value error, ')}") from None

    def _seconds_until_room(self, count: int) -> int:
        """When there is room for so many candidates, at the rate of the last verdicts."""
        if len(self._times) < 2:
            return 1
        rate = len(self._times) / max(1e-3, time.monotonic() - self._times[0])
        return max(1, min(MAX_RETRY_SECONDS, math.ceil((self._waiting + count - self._queue) / rate)))


class BoundedHead(H11Protocol):
    """HTTP/1.1 that closes a connection on which the head of the next request does not arrive in `HEAD_SECONDS`.

    uvicorn closes a connection that stays idle after a response, but waits without end for the rest of a head.
    """

    def connection_made(self, transport: Any) -> None:
        """Begin to watch the connection."""
        super().connection_made(transport)
        self._waits_since = self.loop.time()
        self._watch()

    def on_response_complete(self) -> None:
        """From now on the next head is waited for."""
        self._waits_since = self.loop.time()
        super().on_response_complete()

    def _watch(self) -> None:
        if self.transport.is_closing():
            return
        is_waiting = self.cycle is None or self.cycle.response_complete
        if is_waiting and self.loop.time() >= self._waits_since + HEAD_SECONDS:
            self.transport.abort()
        else:
            self.loop.call_later(HEAD_SECONDS, self._watch)


async def _arrival(found: concurrent.futures.Future[Any]) -> None:
    """Wait until a control was judged or failed. It is every client's: one that goes away does not cancel it."""
    await asyncio.wait([asyncio.wrap_future(found)])


async def _while_connected(request: Request, futures: list[asyncio.Future[Any]]) -> None:
    """Wait for all futures; cancel them when the client goes away."""

    async def disconnected() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    finished: asyncio.Future[Any] = asyncio.gather(*futures)
    watch: asyncio.Future[Any] = asyncio.ensure_future(disconnected())
    try:
        await asyncio.wait([finished, watch], return_when=asyncio.FIRST_COMPLETED)
        if not finished.done():
            raise ClientDisconnect
        await finished
    finally:
        watch.cancel()
        finished.cancel()
        for future in futures:
            future.cancel()
        with contextlib.suppress(BaseException):
            await finished


def _row(verdict: Any, mode: str, degraded: str) -> VerdictRow:
    graded = None if degraded else verdict.graded
    return VerdictRow(
        status=verdict.status.value,
        passed=verdict.passed,
        score=verdict.score,
        reward=None if degraded else graded if mode == "graded" else verdict.reward,
        graded=graded,
        feedback=verdict.feedback,
        digest=verdict.evaluation.case.subject.digest,
    )


def _json(status: int, value: Any, headers: Iterable[tuple[str, str]] = ()) -> Response:
    text = json.dumps(value, allow_nan=False)
    return Response(text, status, headers=dict(headers), media_type="application/json")


def _not_found(request: Request, error: Any) -> Response:
    return _json(error.status_code, {"error": f"{request.method} {request.url.path}: {error.detail.lower()}"})
