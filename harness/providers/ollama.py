"""OllamaProvider: asks a model through Ollama's HTTP interface (`/api/chat`)."""

from __future__ import annotations

import time
from typing import Any

from harness.providers.fault import ProviderError
from harness.providers.http import Endpoint, tokens_of
from harness.providers.question import Question, Reply
from harness.providers.tool_protocol import messages_of, offered_tools, reply_text

BASE_URL = "http://localhost:11434"
MODEL = "qwen2.5:7b"
_OPTIONS = {"temperature": "temperature", "seed": "seed", "max_tokens": "num_predict", "top_p": "top_p"}


class OllamaProvider:
    """A model of an Ollama server.

    Args:
        model: Model for questions that name none.
    """

    name = "ollama"
    answers_several = True

    def __init__(self, endpoint: Endpoint | None = None, *, model: str = "") -> None:
        self._endpoint = endpoint or Endpoint(BASE_URL)
        self._model = model or MODEL

    def answer(self, question: Question) -> Reply | None:
        """The model's answer; None for a question to a person.

        Raises:
            ProviderError: if the model gives no usable answer.
        """
        if question.to == "human":
            return None
        tools = offered_tools(question)
        body: dict[str, Any] = {
            "model": question.parameters.get("model") or self._model,
            "messages": messages_of(question, encoded=False),
            "stream": False,
        }
        options = {_OPTIONS[name]: value for name, value in question.parameters.items() if name in _OPTIONS}
        if options:
            body["options"] = options
        if tools:
            body["tools"] = tools
        elif question.structured:  # a required format would keep the model from calling a tool
            body["format"] = question.answer_schema
        started = time.monotonic()
        reply, attempts = self._endpoint.post("/api/chat", body, timeout_s=question.timeout_s)
        where = self._endpoint.base_url
        if reply.get("error"):
            raise ProviderError(f"the server reports: {reply['error']}", where=where, fix="`ollama pull` the model")
        message = reply.get("message")
        if not isinstance(message, dict) or reply.get("done") is False:
            raise ProviderError("the reply is not a complete message", where=where, status="protocol")
        if reply.get("done_reason") == "length":
            raise ProviderError("the answer was cut off", where=where, fix="raise max_tokens", status="output")
        text = reply_text(message, question, where)
        counts = [reply.get("prompt_eval_count"), reply.get("eval_count")]
        return Reply(
            text=text,
            provider=self.name,
            model=str(reply.get("model") or body["model"]),
            tokens=tokens_of(counts, where),
            attempts=attempts,
            seconds=time.monotonic() - started,
        )
