"""Both protocols against a real server that answers well, late, in part, or with something else."""

from __future__ import annotations

import socket
import sys
import time
from email.utils import formatdate

import pytest

from harness.core.errors import UsageError
from harness.providers.fault import ProviderError
from harness.providers.http import Endpoint, _pause
from harness.providers.ollama import OllamaProvider
from harness.providers.openai import OpenAIProvider
from harness.providers.question import Provider, Question

QUESTION = Question(
    id="q1", prompt="What is it?", role="a sage", parameters={"temperature": 0, "max_tokens": 50, "x": 1}
)
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}}
BOTH = pytest.mark.parametrize("kind", ["ollama", "openai"])


def _provider(kind: str, url: str, **settings: object) -> Provider:
    waits = {"attempts": 3, "backoff_s": 0.0, "timeout_s": 10.0, **settings}
    if kind == "ollama":
        return OllamaProvider(Endpoint(url, **waits), model="m")  # type: ignore[arg-type]
    return OpenAIProvider(Endpoint(url + "/v1", **waits), model="m")  # type: ignore[arg-type]


@BOTH
def test_a_question_reaches_the_model_and_its_answer_comes_back(kind: str, model_server) -> None:
    reply = _provider(kind, model_server.url).answer(QUESTION)
    assert (reply.text, reply.tokens, reply.attempts) == ("forty-two", 15, 1)
    assert reply.provenance == {"provider": kind, "model": "m" if kind == "ollama" else "m-2026"}
    path, body, _ = model_server.asked[0]
    assert path == ("/api/chat" if kind == "ollama" else "/v1/chat/completions")
    assert body["messages"] == [{"role": "system", "content": "a sage"}, {"role": "user", "content": "What is it?"}]
    options = body["options"] if kind == "ollama" else body
    assert options["temperature"] == 0
    assert options["num_predict" if kind == "ollama" else "max_tokens"] == 50
    assert "x" not in options


@BOTH
def test_without_httpx_the_message_names_the_extra(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "httpx", None)  # importing it now raises ImportError
    with pytest.raises(UsageError, match="httpx is needed") as caught:
        _provider(kind, "http://127.0.0.1:9").answer(QUESTION)
    assert caught.value.fix == "pip install 'pytest-crucible[llm]'"


@BOTH
def test_a_schema_is_handed_to_the_server(kind: str, model_server) -> None:
    _provider(kind, model_server.url).answer(QUESTION.model_copy(update={"answer_schema": SCHEMA}))
    _, body, _ = model_server.asked[0]
    sent = body["format"] if kind == "ollama" else body["response_format"]["json_schema"]["schema"]
    assert sent == SCHEMA


@BOTH
@pytest.mark.parametrize("fault", ["500", "503", "429", "half", "text", "list"])
def test_a_passing_fault_is_tried_again(kind: str, fault: str, model_server) -> None:
    model_server.faults = [fault, fault]
    reply = _provider(kind, model_server.url).answer(QUESTION)
    assert (reply.text, reply.attempts) == ("forty-two", 3)


@BOTH
@pytest.mark.parametrize(
    ("faults", "words", "status", "tries"),
    [
        (["503"] * 3, "status 503", "crash", 3),
        (["half"] * 3, "connection broke", "crash", 3),
        (["text"] * 3, "not a JSON object", "protocol", 3),
        (["slow"] * 3, "no answer within", "timeout", 3),
        (["drip"] * 3, "no answer within", "timeout", 3),
        (["headers"] * 3, "no answer within", "timeout", 3),
        (["400"], "status 400", "protocol", 1),
        (["401"], "API key", "forbidden", 1),
        (["404"], "--model", "protocol", 1),
        (["huge"], "more than", "output", 1),
        (["empty"], "message", "protocol", 1),
    ],
)
def test_a_lasting_fault_is_reported(
    kind: str, faults: list[str], words: str, status: str, tries: int, model_server
) -> None:
    model_server.faults = list(faults)
    seconds = 0.3 if {"slow", "drip", "headers"} & set(faults) else 10
    with pytest.raises(ProviderError) as caught:
        _provider(kind, model_server.url, timeout_s=seconds).answer(QUESTION)
    assert words in str(caught.value)
    assert caught.value.status == status
    assert len(model_server.asked) == tries


@BOTH
def test_nobody_at_the_address(kind: str) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        with pytest.raises(ProviderError, match="no server answers"):
            _provider(kind, url).answer(QUESTION)


@pytest.mark.parametrize("url", ["ftp://x", "localhost:11434", "http://", "nonsense"])
def test_an_address_that_is_none(url: str) -> None:
    with pytest.raises(ProviderError):
        _provider("ollama", url, attempts=1).answer(QUESTION)


def test_an_answer_that_was_cut_off_is_no_answer(model_server) -> None:
    model_server.extra = {"done_reason": "length"}
    with pytest.raises(ProviderError, match="cut off"):
        _provider("ollama", model_server.url).answer(QUESTION)
    model_server.extra = {"choices": [{"message": {"content": "for"}, "finish_reason": "length"}]}
    with pytest.raises(ProviderError, match="cut off"):
        _provider("openai", model_server.url).answer(QUESTION)


def test_a_refusal_is_told(model_server) -> None:
    model_server.extra = {"choices": [{"message": {"content": None, "refusal": "no"}, "finish_reason": "stop"}]}
    with pytest.raises(ProviderError, match="refused: no"):
        _provider("openai", model_server.url).answer(QUESTION)
    model_server.extra = {"error": "model 'm' not found"}
    with pytest.raises(ProviderError, match="not found"):
        _provider("ollama", model_server.url).answer(QUESTION)


@BOTH
def test_no_model_answers_what_a_person_is_asked(kind: str, model_server) -> None:
    assert _provider(kind, model_server.url).answer(QUESTION.model_copy(update={"to": "human"})) is None
    assert model_server.asked == []


def test_the_key_comes_from_the_environment_and_goes_nowhere_else(model_server, monkeypatch) -> None:
    from harness.providers.openai import authorised

    monkeypatch.setenv("CRUCIBLE_API_KEY", "sk-secret")
    reply = OpenAIProvider(authorised(model_server.url + "/v1"), model="m").answer(QUESTION)
    assert model_server.asked[0][2]["Authorization"] == "Bearer sk-secret"
    assert "secret" not in reply.model_dump_json()


@BOTH
@pytest.mark.parametrize("fault", ["drip", "headers", "slow"])
def test_one_limit_holds_for_all_tries_together(kind: str, fault: str, model_server) -> None:
    model_server.faults[:] = [fault] * 9
    provider = _provider(kind, model_server.url, attempts=9)
    with pytest.raises(ProviderError, match=r"no answer within 0\.2 s") as caught:
        provider.answer(QUESTION.model_copy(update={"timeout_s": 0.2}))
    assert caught.value.status == "timeout"
    assert len(model_server.asked) == 1, "no time is left for another try"


@BOTH
@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ({"content": ""}, "the answer is empty"),
        ({"content": "  \n"}, "the answer is empty"),
        (
            {"content": "", "tool_calls": [{"function": {"name": "search", "arguments": "{}"}}]},
            "asks for the tool 'search'",
        ),
        ({"content": None, "tool_calls": [{"id": 1}]}, "asks for the tool 'None'"),
    ],
)
def test_a_reply_without_an_answer_names_what_it_is(kind: str, extra: dict, words: str, model_server) -> None:
    message = {"role": "assistant", **extra}
    model_server.extra = (
        {"message": message} if kind == "ollama" else {"choices": [{"message": message, "finish_reason": "stop"}]}
    )
    with pytest.raises(ProviderError, match=words) as caught:
        _provider(kind, model_server.url).answer(QUESTION)
    assert caught.value.status == "protocol"


@BOTH
def test_a_negative_count_of_tokens_is_named(kind: str, model_server) -> None:
    model_server.extra = {"eval_count": -5} if kind == "ollama" else {"usage": {"total_tokens": -5}}
    with pytest.raises(ProviderError, match="counts -5 tokens"):
        _provider(kind, model_server.url).answer(QUESTION)


@BOTH
def test_a_reply_that_is_not_utf8_is_named(kind: str, model_server) -> None:
    model_server.faults[:] = ["latin"] * 3
    with pytest.raises(ProviderError, match="not UTF-8 at byte"):
        _provider(kind, model_server.url).answer(QUESTION)


@pytest.mark.parametrize(
    ("after", "low", "high"),
    [
        ("3", 3, 3),
        ("1.5", 1.5, 1.5),
        ("", 0, 0),
        ("soon", 0, 0),
        ("\xb2", 0, 0),
        ("inf", 0, 0),
        ("-5", 0, 0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0, 0),
    ],
)
def test_the_pause_that_a_server_asks_for(after: str, low: float, high: float) -> None:
    assert low <= _pause(after) <= high
    later = formatdate(time.time() + 60, usegmt=True)
    assert 50 < _pause(later) <= 60
