"""Typed reply: a response of a tool, a model or a person, converted to the type that the program expects."""

from __future__ import annotations

import json
import re
from typing import Any

from harness.dsl.eventlog.canonical import normalize
from harness.dsl.types import Kind, Type
from harness.dsl.values import MismatchError, Value, conform, shown

CALLS = "tool_calls"
_FENCE = r"\A\s*```[a-zA-Z]*\n(.*?)\n?```\s*\Z"
_BOOLEANS = {"yes": True, "true": True, "no": False, "false": False}


def typed(value: Value, kind: Type, *, foreign: bool, calls: bool = False) -> Value:
    """Convert a response to the type that the program expects.

    Args:
        foreign: Whether a model or a person answered: then a string is parsed as JSON unless a string is expected.
        calls: Whether the reply may call tools instead: `{"tool_calls": [{"tool": "read", "arguments": {…}}]}`.

    Raises:
        MismatchError: if it does not fit.
    """
    if foreign and isinstance(value, str):
        try:
            value = normalize(value)
        except ValueError as error:
            raise MismatchError("", str(error)) from None
        called = _tool_calls(value) if calls else None
        if called is not None:
            return {CALLS: called}
        if kind.kind not in (Kind.STRING, Kind.ANY):
            fenced = re.match(_FENCE, value.replace("\r\n", "\n"), re.DOTALL)
            text = (fenced.group(1) if fenced else value).strip()
            if kind.kind is Kind.ENUM and text in kind.options:
                return text
            if kind.kind is Kind.BOOL and text.lower() in _BOOLEANS:
                return _BOOLEANS[text.lower()]
            try:
                value = normalize(json.loads(text))
            except (ValueError, RecursionError):
                raise MismatchError("", f"{shown(text)} is not JSON") from None
    return conform(value, kind)


def _tool_calls(text: str) -> list[dict[str, Any]] | None:
    """The calls of tools that a reply consists of; None for an answer."""
    if not text.lstrip().startswith("{"):
        return None
    try:
        data = normalize(json.loads(text))
    except (ValueError, RecursionError):
        return None
    if not isinstance(data, dict) or set(data) != {CALLS} or not isinstance(data[CALLS], list) or not data[CALLS]:
        return None
    for call in data[CALLS]:
        named = isinstance(call, dict) and isinstance(call.get("tool"), str)
        if not named or not isinstance(call.get("arguments"), dict) or len(call) != len(("tool", "arguments")):
            raise MismatchError(CALLS, f"{shown(call)} is not {{tool, arguments}}")
    return list(data[CALLS])
