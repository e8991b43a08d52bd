"""Tool protocol: the tools that a model may call, and its calls, as both chat protocols spell them.

A question that offers tools has the parameters `tools` (their names) and `said`: the calls so far with their results. A
reply that calls tools has the text `{"tool_calls": [{"tool": …, "arguments": {…}}]}`.
"""

from __future__ import annotations

import json
from typing import Any

from harness.providers.fault import ProviderError
from harness.providers.http import text_of
from harness.providers.question import Question

_TEXT = {"type": "string"}
_TOOLS: dict[str, tuple[str, dict[str, Any]]] = {
    "read": ("Read a text file of the work folder.", {"path": _TEXT}),
    "write": ("Write a text file of the work folder.", {"path": _TEXT, "content": _TEXT}),
    "exists": ("Whether a file of the work folder exists.", {"path": _TEXT}),
    "run": (
        'Run a program without a shell, such as ["python", "script.py"]; returns its output.',
        {"cmd": {"type": "array", "items": _TEXT}},
    ),
}


def offered_tools(question: Question) -> list[dict[str, Any]]:
    """The tools that a question offers, as the server takes them; empty without tools."""
    return [
        {
            "type": "function",
            "function": {
                "name": name,
                "description": _TOOLS[name][0],
                "parameters": {"type": "object", "properties": _TOOLS[name][1], "required": [*_TOOLS[name][1]]},
            },
        }
        for name in question.parameters.get("tools", ())
        if name in _TOOLS
    ]


def messages_of(question: Question, *, encoded: bool) -> list[dict[str, Any]]:
    """The conversation: role, prompt, and each call of a tool with its result.

    Args:
        encoded: Whether arguments are JSON text and calls have identifiers (OpenAI's protocol).
    """
    messages: list[dict[str, Any]] = [{"role": "system", "content": question.role}] if question.role else []
    messages.append({"role": "user", "content": question.prompt})
    for number, turn in enumerate(question.parameters.get("said", ()), 1):
        call, arguments = turn["call"], turn["call"]["arguments"]
        function = {"name": call["tool"], "arguments": json.dumps(arguments) if encoded else arguments}
        named = {"id": f"call_{number}", "type": "function"} if encoded else {}
        messages.append({"role": "assistant", "content": "", "tool_calls": [{**named, "function": function}]})
        answered = {"tool_call_id": f"call_{number}"} if encoded else {"tool_name": call["tool"]}
        messages.append({"role": "tool", "content": turn["result"], **answered})
    return messages


def reply_text(message: dict[str, Any], question: Question, where: str) -> str:
    """The text of a model's message, or its calls of tools if the question offers tools.

    Raises:
        ProviderError: if it has neither, or a call cannot be read.
    """
    calls = message.get("tool_calls")
    if not question.parameters.get("tools") or not isinstance(calls, list) or not calls:
        return text_of(message, where)
    return json.dumps({"tool_calls": [_call(call, where) for call in calls]}, ensure_ascii=False)


def _call(call: object, where: str) -> dict[str, Any]:
    function = call.get("function") if isinstance(call, dict) else None
    name = function.get("name") if isinstance(function, dict) else None
    arguments = function.get("arguments") if isinstance(function, dict) else None
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments or "{}")
        except (ValueError, RecursionError):
            what = f"the arguments of the tool {str(name)[:80]!r} are not JSON"
            raise ProviderError(what, where=where, fix="ask again, or another model", status="protocol") from None
    if not isinstance(name, str) or not isinstance(arguments, dict):
        raise ProviderError("a call of a tool has no name or no arguments", where=where, status="protocol")
    return {"tool": name, "arguments": arguments}
