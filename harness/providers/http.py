"""Endpoint: sends JSON requests to a model's server, with time-outs, size limits and retries.

httpx is an optional dependency (extra `llm`); it is imported when a request is sent.
"""

from __future__ import annotations

import contextlib
import math
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any, Self

from harness.core.clip import clip
from harness.core.errors import UsageError
from harness.providers import streamed
from harness.providers.fault import ProviderError

CONNECT_S = 5.0
MAX_REPLY_BYTES = 16 << 20
RETRYABLE_STATUSES = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The HTTP interface of a model's server.

    Attributes:
        base_url: Address with scheme; its path is kept.
        headers: Sent with every request.
        timeout_s: Time limit for the whole reply, in seconds.
        attempts: Maximum number of tries of one request.
        backoff_s: Seconds before the second try; the delay doubles with each further try.
        sleep: Waits for some seconds; tests replace it.
    """

    base_url: str
    headers: dict[str, str] = field(default_factory=dict)
    timeout_s: float = 120.0
    attempts: int = 3
    backoff_s: float = 0.5
    sleep: Callable[[float], None] = time.sleep

    def post(self, path: str, body: dict[str, Any], *, timeout_s: float | None = None) -> tuple[dict[str, Any], int]:
        """Send a JSON body and return the JSON object of the reply and the number of tries.

        Args:
            path: Below the address.
            timeout_s: Time limit for all tries together; None for `timeout_s` of each.

        Raises:
            ProviderError: if no try succeeds. A refusal (4xx) is not retried; a broken, late or partial reply is.
            UsageError: if httpx is not installed.
        """
        _import_httpx(self.base_url)  # before the time limit begins
        end = math.inf if timeout_s is None else time.monotonic() + timeout_s
        for attempt in range(1, self.attempts + 1):
            seconds = min(self.timeout_s, end - time.monotonic())
            try:
                return self._once(path, body, max(seconds, 0.001), timeout_s or self.timeout_s), attempt
            except _Retryable as problem:
                error = problem.error
                if attempt == self.attempts or end - time.monotonic() <= problem.after:
                    tries = f" ({attempt} tries)" if attempt > 1 else ""
                    where = error.where
                    raise ProviderError(error.what + tries, where=where, fix=error.fix, status=error.status) from None
                if problem.after > self.timeout_s:
                    what = f"{error.what} (the server asks to wait {problem.after:g} s, longer than the time-out)"
                    raise ProviderError(what, where=error.where, fix=error.fix, status=error.status) from None
                pause = max(self.backoff_s * 2 ** (attempt - 1), problem.after)
                self.sleep(max(0.0, min(pause, end - time.monotonic())))
        raise RuntimeError("unreachable: the last try returns or raises")

    def _once(self, path: str, body: dict[str, Any], seconds: float, timeout: float) -> dict[str, Any]:
        httpx = _import_httpx(self.base_url)
        url = self.base_url.rstrip("/") + path
        limits = httpx.Timeout(seconds, connect=min(CONNECT_S, seconds))
        late = _Retryable(
            ProviderError(f"no answer within {timeout:g} s", where=url, fix="raise the time-out", status="timeout")
        )
        try:
            with (
                httpx.Client(timeout=limits, follow_redirects=False, trust_env=False) as client,
                _Deadline(seconds) as deadline,
                client.stream("POST", url, json=body, headers=self.headers, extensions=deadline.extensions) as reply,
            ):
                data = _body(reply, url)
                return self._read(reply.status_code, reply.headers.get("retry-after", ""), data, url)
        except httpx.TimeoutException as error:
            raise late from error
        except httpx.InvalidURL as error:
            fix = "give --base-url http://host:port"
            raise ProviderError(f"not an address: {error}", where=url, fix=fix) from error
        except httpx.UnsupportedProtocol as error:
            raise ProviderError(str(error), where=url, fix="give --base-url http://host:port") from error
        except httpx.ConnectError as error:
            what = f"no server answers: {error}"
            raise _Retryable(ProviderError(what, where=url, fix="start the server, or give --base-url")) from error
        except httpx.HTTPError as error:
            if deadline.has_passed:
                raise late from error
            what = f"the connection broke: {type(error).__name__}: {error}"
            raise _Retryable(ProviderError(what, where=url, fix="read the server's log")) from error

    def _read(self, status: int, after: str, data: bytes, url: str) -> dict[str, Any]:
        said = clip(data.decode("utf-8", "replace"), limit=300) or "without a body"
        if status in RETRYABLE_STATUSES:
            error = ProviderError(f"status {status}: {said}", where=url, fix="try again later")
            raise _Retryable(error, after=_pause(after))
        if status != 200:
            word = "forbidden" if status in (401, 403) else "protocol"
            raise ProviderError(f"status {status}: {said}", where=url, fix=_fix(status), status=word)
        try:
            data.decode("utf-8")
        except UnicodeDecodeError as error:
            what = f"the reply is not UTF-8 at byte {error.start}"
            raise _Retryable(ProviderError(what, where=url, fix="read the server's log", status="protocol")) from error
        value = streamed.decode_reply(data)
        if not isinstance(value, dict):
            what = f"the reply is not a JSON object: {said!r}"
            raise _Retryable(ProviderError(what, where=url, fix="check --base-url", status="protocol"))
        return value


def _import_httpx(where: str) -> Any:
    try:
        import httpx
    except ImportError as error:
        fix = "pip install 'pytest-crucible[llm]'"
        raise UsageError(f"httpx is needed to ask a model's server: {error}", where=where, fix=fix) from error
    return httpx


class _Deadline:
    """Ends a connection after some seconds. httpx limits each read, but not their sum, nor slow headers."""

    def __init__(self, seconds: float) -> None:
        self.has_passed = False
        self.extensions = {"trace": self._trace}
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True
        self._socket: Any = None

    def _trace(self, event: str, info: dict[str, Any]) -> None:
        if event in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            self._socket = info["return_value"].get_extra_info("socket")
            if self.has_passed:
                self._end()

    def _end(self) -> None:
        self.has_passed = True
        with contextlib.suppress(OSError, AttributeError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()


def _body(reply: Any, url: str) -> bytes:
    data = bytearray()
    for chunk in reply.iter_bytes():
        data += chunk
        if len(data) > MAX_REPLY_BYTES:
            raise ProviderError(f"a reply of more than {MAX_REPLY_BYTES >> 20} MiB", where=url, status="output")
    return bytes(data)


def _pause(after: str) -> float:
    """Seconds of a `Retry-After` header: a number, or a date; 0 for anything else."""
    if after.isascii() and after.replace(".", "", 1).isdigit():
        return float(after)
    try:
        return max(0.0, parsedate_to_datetime(after).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return 0.0


def text_of(message: object, where: str) -> str:
    """The text of a model's message.

    Raises:
        ProviderError: if it has none: it asks for a tool, or is empty.
    """
    text = message.get("content") if isinstance(message, dict) else None
    calls = message.get("tool_calls") if isinstance(message, dict) else None
    if isinstance(calls, list) and calls:
        called = calls[0].get("function") if isinstance(calls[0], dict) else None
        name = called.get("name") if isinstance(called, dict) else None
        what = f"the model asks for the tool {str(name)[:80]!r} instead of an answer"
        raise ProviderError(what, where=where, fix="ask a model without tools", status="protocol")
    if not isinstance(text, str):
        raise ProviderError("the message has no text", where=where, status="protocol")
    if not text.strip():
        raise ProviderError("the answer is empty", where=where, fix="ask again, or another model", status="protocol")
    return text


def tokens_of(counts: list[object], where: str) -> int:
    """The sum of a server's token counts; what is not a number counts as 0.

    Raises:
        ProviderError: if one is negative.
    """
    numbers = [count for count in counts if type(count) is int]
    if any(number < 0 for number in numbers):
        what = f"the server counts {min(numbers)} tokens"
        raise ProviderError(what, where=where, fix="read the server's log", status="protocol")
    return sum(numbers)


def _fix(status: int) -> str:
    match status:
        case 401 | 403:
            return "set the API key (CRUCIBLE_API_KEY)"
        case 301 | 302 | 303 | 307 | 308:
            return "set --base-url to the address of the redirect: keys are never forwarded"
        case 404:
            return "check --base-url and --model"
        case _:
            return "read the server's message"


class _Retryable(Exception):  # noqa: N818 - never leaves this module
    def __init__(self, error: ProviderError, *, after: float = 0.0) -> None:
        self.error, self.after = error, after
        super().__init__(str(error))
