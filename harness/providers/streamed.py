"""Decodes a reply as one JSON object, also from servers that stream it in chunks without being asked to.

Chunks are JSON lines (Ollama) or server-sent events (OpenAI). The contents of their messages are concatenated; other
fields come from the last chunk. A stream without its end marker (`"done": true`, `data: [DONE]`) is not a valid reply.
"""

from __future__ import annotations

import json
from typing import Any

_MARK, _END = "data:", "[DONE]"


def decode_reply(data: bytes) -> dict[str, Any] | None:
    """The JSON object of a reply, streamed or not; None if the reply is invalid."""
    try:
        value = json.loads(data)
    except RecursionError:
        return None
    except ValueError:
        value = _join_chunks(data.decode("utf-8", "replace"))
    return value if isinstance(value, dict) else None


def _join_chunks(text: str) -> dict[str, Any] | None:
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith(("event:", "id:", ":"))]
    events = [line.removeprefix(_MARK).strip() for line in lines]
    if not lines or any(line.startswith(_MARK) != lines[0].startswith(_MARK) for line in lines):
        return None
    ended = events[-1] == _END
    try:
        pieces = [json.loads(event) for event in events[: len(events) - ended]]
    except (ValueError, RecursionError):
        return None
    if not pieces or not all(isinstance(piece, dict) for piece in pieces):
        return None
    last: dict[str, Any] = pieces[-1]
    if ended:
        return _join_events(pieces)
    if last.get("done") is not True:
        return None
    messages = [piece.get("message") for piece in pieces]
    contents = [one.get("content") for one in messages if isinstance(one, dict)]
    calls = [call for one in messages if isinstance(one, dict) for call in one.get("tool_calls") or ()]
    message = {"role": "assistant", "content": "".join(t for t in contents if isinstance(t, str)), "tool_calls": calls}
    return last | {"message": message}


def _join_events(pieces: list[dict[str, Any]]) -> dict[str, Any] | None:
    content, reason, refusal, calls = "", None, "", list[Any]()
    for piece in pieces:
        choices = piece.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices else {}
        delta = choice.get("delta") if isinstance(choice, dict) else None
        if isinstance(delta, dict):
            content += delta["content"] if isinstance(delta.get("content"), str) else ""
            calls += delta["tool_calls"] if isinstance(delta.get("tool_calls"), list) else []
            refusal += delta["refusal"] if isinstance(delta.get("refusal"), str) else ""
        if isinstance(choice, dict):
            reason = choice.get("finish_reason") or reason
    usage = next((piece["usage"] for piece in reversed(pieces) if piece.get("usage")), None)
    message = {"content": content, "refusal": refusal or None, "tool_calls": calls}
    return pieces[0] | {"choices": [{"message": message, "finish_reason": reason}], "usage": usage}
