"""OpenAIProvider: asks any server that speaks the OpenAI chat protocol (`/chat/completions`)."""

from __future__ import annotations

import os
import time
from typing import Any

from harness.providers.fault import ProviderError
from harness.providers.http import Endpoint, tokens_of
from harness.providers.question import Question, Reply
from harness.providers.tool_protocol import messages_of, offered_tools, reply_text

BASE_URL = "http://localhost:8000/v1"
KEY_VARIABLES = ("CRUCIBLE_API_KEY", "OPENAI_API_KEY")
_OPTIONS = ("temperature", "seed", "max_tokens", "top_p")


def authorised(base_url: str, **limits: Any) -> Endpoint:
    """An endpoint with the API key of the environment, if there is one; the key is never stored."""
    key = next((os.environ[name] for name in KEY_VARIABLES if os.environ.get(name)), "")
    return Endpoint(base_url, headers={"Authorization": f"Bearer {key}"} if key else {}, **limits)


class OpenAIProvider:
    """A model of an OpenAI-compatible server.

    Args:
        endpoint: The server; its address ends in the protocol's version (`/v1`).
        model: Model for questions that name none.
    """

    name = "openai"
    answers_several = True

    def __init__(self, endpoint: Endpoint | None = None, *, model: str = "") -> None:
        self._endpoint = endpoint or authorised(BASE_URL)
        self._model = model or "default"

    def answer(self, question: Question) -> Reply | None:
        """The model's answer; None for a question to a person.

        Raises:
            ProviderError: if the model gives no usable answer.
        """
        if question.to == "human":
            return None
        body: dict[str, Any] = {
            "model": question.parameters.get("model") or self._model,
            "messages": messages_of(question, encoded=True),
            **{name: question.parameters[name] for name in _OPTIONS if name in question.parameters},
        }
        if tools := offered_tools(question):
            body["tools"] = tools
        if question.structured:
            shape = {"name": "answer", "schema": question.answer_schema}
            body["response_format"] = {"type": "json_schema", "json_schema": shape}
        started = time.monotonic()
        reply, attempts = self._endpoint.post("/chat/completions", body, timeout_s=question.timeout_s)
        text = reply_text(_message(reply, self._endpoint.base_url), question, self._endpoint.base_url)
        usage = reply.get("usage")
        tokens = usage.get("total_tokens") if isinstance(usage, dict) else 0
        return Reply(
            text=text,
            provider=self.name,
            model=str(reply.get("model") or body["model"]),
            tokens=tokens_of([tokens], self._endpoint.base_url),
            attempts=attempts,
            seconds=time.monotonic() - started,
        )


def _message(reply: dict[str, Any], where: str) -> dict[str, Any]:
    try:
        choice = reply["choices"][0]
        message, reason = choice["message"], choice.get("finish_reason")
        isinstance(message, dict) or message["content"]
    except (KeyError, IndexError, TypeError):
        raise ProviderError("the reply has no choice with a message", where=where, status="protocol") from None
    if reason == "length":
        raise ProviderError("the answer was cut off", where=where, fix="raise max_tokens", status="output")
    if reason == "content_filter" or message.get("refusal"):
        said = str(message.get("refusal") or "content filter")
        raise ProviderError(f"the model refused: {said}", where=where, status="forbidden")
    return dict(message)
