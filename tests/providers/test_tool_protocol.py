"""Calls of tools over both chat protocols: what is offered, what was said, what is called."""

from __future__ import annotations

import json
from typing import Any

import pytest

from harness.providers.fault import ProviderError
from harness.providers.http import Endpoint
from harness.providers.ollama import OllamaProvider
from harness.providers.openai import OpenAIProvider
from harness.providers.question import Question
from harness.providers.tool_protocol import messages_of, reply_text

SAID = [{"call": {"tool": "read", "arguments": {"path": "a"}}, "result": "text of a"}]
QUESTION = Question(id="q", prompt="What?", role="engineer", parameters={"tools": ["read", "run"], "said": SAID})


@pytest.mark.parametrize("kind", [OllamaProvider, OpenAIProvider])
def test_tools_are_offered_and_calls_come_back(model_server, kind) -> None:
    encoded = kind is OpenAIProvider
    arguments: Any = {"cmd": ["python", "x.py"]}
    spelled = json.dumps(arguments) if encoded else arguments
    message = {"content": None, "tool_calls": [{"id": "c", "function": {"name": "run", "arguments": spelled}}]}
    choice = {"message": message, "finish_reason": "tool_calls"}
    model_server.extra = {"choices": [choice]} if encoded else {"message": message}
    reply = kind(Endpoint(model_server.url)).answer(QUESTION)
    assert json.loads(reply.text) == {"tool_calls": [{"tool": "run", "arguments": arguments}]}
    body = model_server.asked[0][1]
    assert [tool["function"]["name"] for tool in body["tools"]] == ["read", "run"]
    roles = [message["role"] for message in body["messages"]]
    assert roles == ["system", "user", "assistant", "tool"]
    assert body["messages"][-1]["content"] == "text of a"
    with pytest.raises(ProviderError, match="instead of an answer"):
        kind(Endpoint(model_server.url)).answer(Question(id="q", prompt="What?"))


def test_calls_are_spelled_as_each_protocol_wants() -> None:
    openai, ollama = (messages_of(QUESTION, encoded=encoded) for encoded in (True, False))
    assert openai[2]["tool_calls"][0]["function"]["arguments"] == '{"path": "a"}'
    assert openai[2]["tool_calls"][0]["id"] == openai[3]["tool_call_id"]
    assert ollama[2]["tool_calls"] == [{"function": {"name": "read", "arguments": {"path": "a"}}}]
    assert ollama[3]["tool_name"] == "read"


@pytest.mark.parametrize(
    "call",
    [
        {"function": {"name": "read", "arguments": "{broken"}}, {"function": {"arguments": {}}}, {}, "read",
        {"function": {"name": "read", "arguments": [1]}}, {"function": {"name": 3, "arguments": {}}},
    ],
)  # fmt: skip
def test_a_call_that_cannot_be_read_is_an_error(call: object) -> None:
    with pytest.raises(ProviderError, match="tool"):
        reply_text({"content": "", "tool_calls": [call]}, QUESTION, "here")


def test_an_answer_without_calls_is_its_text() -> None:
    assert reply_text({"content": "done", "tool_calls": []}, QUESTION, "here") == "done"
    with pytest.raises(ProviderError, match="empty"):
        reply_text({"content": " "}, QUESTION, "here")
