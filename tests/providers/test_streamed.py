"""Replies that come in pieces are put together, and are nothing without their end."""

from __future__ import annotations

import json

import pytest

from harness.providers.streamed import decode_reply


def lines(*pieces: object) -> bytes:
    return b"\n".join(json.dumps(piece).encode() for piece in pieces)


def events(*pieces: object, end: str = "[DONE]") -> bytes:
    text = "".join(f"data: {json.dumps(piece)}\n\n" for piece in pieces)
    return (text + (f"data: {end}\n\n" if end else "")).encode()


def delta(text: str, **more: object) -> dict[str, object]:
    return {"choices": [{"delta": {"content": text}, **more}], "model": "m"}


def test_json_lines() -> None:
    pieces = [{"message": {"content": text}, "done": False} for text in ("fi", "ne")]
    end = {"message": {"content": ""}, "done": True, "eval_count": 2}
    found = decode_reply(lines(*pieces, end))
    assert found is not None
    assert (found["message"]["content"], found["done"], found["eval_count"]) == ("fine", True, 2)
    assert decode_reply(lines(*pieces)) is None, "its end is missing"


def test_server_sent_events() -> None:
    found = decode_reply(
        events(delta("fi"), delta("ne", finish_reason="stop"), {"choices": [], "usage": {"total_tokens": 3}})
    )
    assert found is not None
    choice = found["choices"][0]
    assert (choice["message"]["content"], choice["finish_reason"], found["model"]) == ("fine", "stop", "m")
    assert found["usage"] == {"total_tokens": 3}
    assert decode_reply(events(delta("fi"), end="")) is None, "its end is missing"


@pytest.mark.parametrize(
    "data",
    [b"", b"<html>", b"[1, 2]", b"[" * 100_000, b"data: [DONE]", b"data: x\n\ndata: [DONE]", b"{}\n[]\n", b"\xff\xfe",
     b'data: {"choices": []}\n{"done": true}'],
)  # fmt: skip
def test_what_is_no_reply(data: bytes) -> None:
    assert decode_reply(data) is None
