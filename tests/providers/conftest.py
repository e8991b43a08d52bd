"""A real HTTP server on the loopback that speaks both protocols, well or badly, as a test tells it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest


class ModelServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[tuple[str, dict[str, Any], dict[str, str]]] = []
        self.faults: list[str] = []
        """What is wrong with the next replies, one each: a status, `slow`, `drip`, `half`, `text`, `huge`, `list`."""
        self.answer = "forty-two"
        self.extra: dict[str, Any] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: ModelServer
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.asked.append((self.path, body, dict(self.headers)))
        fault = self.server.faults.pop(0) if self.server.faults else ""
        if fault.isdigit():
            return self._send(int(fault), b'{"error": "as the test wants"}')
        if fault == "slow":
            time.sleep(1.5)
        if fault == "text":
            return self._send(200, b"<html>this is a proxy</html>")
        if fault == "list":
            return self._send(200, b"[1, 2]")
        if fault == "empty":
            return self._send(200, b"{}")
        data = json.dumps(self._reply(body)).encode()
        if fault == "half":
            self.send_response(200)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data[: len(data) // 2])
            self.close_connection = True
            return None
        if fault == "drip":
            self.send_response(200)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            try:
                for byte in data:
                    self.wfile.write(bytes([byte]))
                    self.wfile.flush()
                    time.sleep(0.05)
            except OSError:
                self.close_connection = True
            return None
        if fault == "latin":
            return self._send(200, json.dumps(self._reply(body)).encode().replace(b"two", b"tw\xf6"))
        if fault == "headers":
            try:
                self.wfile.write(b"HTTP/1.1 200 OK\r\n")
                for _ in range(200):
                    self.wfile.write(b"x")
                    self.wfile.flush()
                    time.sleep(0.05)
            except OSError:
                self.close_connection = True
            return None
        if fault == "huge":
            self.send_response(200)
            self.send_header("content-length", str(64 << 20))
            self.end_headers()
            try:
                for _ in range(64):
                    self.wfile.write(b"x" * (1 << 20))
            except OSError:
                self.close_connection = True
            return None
        return self._send(200, data)

    def _reply(self, body: dict[str, Any]) -> dict[str, Any]:
        if self.path == "/api/chat":
            found = {
                "model": body["model"], "message": {"role": "assistant", "content": self.server.answer},
                "done": True, "done_reason": "stop", "prompt_eval_count": 11, "eval_count": 4,
            }  # fmt: skip
        else:
            message = {"role": "assistant", "content": self.server.answer}
            found = {
                "model": body["model"] + "-2026", "choices": [{"message": message, "finish_reason": "stop"}],
                "usage": {"total_tokens": 15},
            }  # fmt: skip
        return found | self.server.extra

    def _send(self, status: int, data: bytes) -> None:
        self.send_response(status)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def model_server() -> Iterator[ModelServer]:
    server = ModelServer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join(5)
