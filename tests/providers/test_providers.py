"""Files, scripts, persons, cassettes and commands."""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path

import pytest

from harness.core.errors import SpecError, UsageError
from harness.providers.cassette import CassetteProvider
from harness.providers.command import CommandProvider
from harness.providers.factory import Backend, provider_for
from harness.providers.fault import ProviderError
from harness.providers.file import FileProvider, read_answers
from harness.providers.person import PersonProvider
from harness.providers.question import Question
from tests.script_provider import ScriptProvider

Q = Question(id="abc", prompt="Name a number.\nOnly one.", role="clerk", label="unit/ask")


def test_a_file_answers_the_question_it_names(tmp_path: Path) -> None:
    path = tmp_path / "answers.json"
    provider = FileProvider(path)
    assert provider.answer(Q) is None
    path.write_text(json.dumps({"answers": [{"question": "abc", "answer": "7", "source": "Ada"}]}))
    assert provider.answer(Q).text == "7"
    assert provider.answer(Q).provenance == {"provider": "file", "source": "Ada"}
    assert provider.answer(Q.model_copy(update={"id": "other"})) is None
    path.write_text(json.dumps({"answers": [{"question": "abc", "answer": {"n": 7}}]}))
    assert provider.answer(Q).text == '{"n": 7}'


def test_a_response_file_is_bound_to_its_question(tmp_path: Path) -> None:
    path = tmp_path / "response.txt"
    path.write_bytes(b"question: abc\r\nseven\r\nor so\r\n")
    assert FileProvider(path).answer(Q).text == "seven\nor so"
    assert FileProvider(path).answer(Q.model_copy(update={"id": "later"})) is None


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"{", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"\xff\xfe", "not UTF-8"),
        (b'{"answers": [{"question": "a"}]}', "answer"),
        (b'{"answers": [], "more": 1}', "more"),
        (b'{"answers": [{"question": "a", "answer": "1"}, {"question": "a", "answer": "2"}]}', "answered twice"),
    ],
)
def test_a_file_that_is_none_says_so(tmp_path: Path, data: bytes, words: str) -> None:
    path = tmp_path / "answers.json"
    path.write_bytes(data)
    with pytest.raises(SpecError, match=words):
        read_answers(path)


def test_a_person_sees_the_question_and_answers_in_lines() -> None:
    shown = io.StringIO()
    provider = PersonProvider(io.StringIO("seven\nor so\n.\nnext"), shown)
    assert provider.answer(Q).text == "seven\nor so"
    assert "Only one." in shown.getvalue()
    assert PersonProvider(io.StringIO(""), io.StringIO()).answer(Q) is None


def test_a_cassette_replays_what_it_recorded(tmp_path: Path) -> None:
    path = tmp_path / "tape.json"
    recording = CassetteProvider(path, inner=ScriptProvider(in_order=["one", "two"]))
    assert [recording.answer(Q).text for _ in range(2)] == ["one", "two"]
    replaying = CassetteProvider(path)
    # The id and the label are places in a program; the key is what the answer depends on.
    moved = Q.model_copy(update={"id": "moved", "label": "elsewhere"})
    assert [replaying.answer(moved).text for _ in range(2)] == ["one", "two"]
    with pytest.raises(ProviderError, match="occurrence 3"):
        replaying.answer(Q)


def test_a_miss_shows_how_the_nearest_recording_differs(tmp_path: Path) -> None:
    path = tmp_path / "tape.json"
    CassetteProvider(path, inner=ScriptProvider(in_order=["one"])).answer(Q)
    asked = Q.model_copy(update={"prompt": "Name a number.\nOnly two.", "parameters": {"temperature": 1}})
    with pytest.raises(ProviderError) as caught:
        CassetteProvider(path).answer(asked)
    assert "-Only one." in str(caught.value)
    assert "+Only two." in str(caught.value)
    assert "temperature" in str(caught.value)


def test_a_cassette_that_cannot_be_written_is_refused_before_a_question(tmp_path: Path) -> None:
    for path in (Path("/proc/self/tape.json"), tmp_path):
        with pytest.raises((UsageError, SpecError)):
            CassetteProvider(path, inner=ScriptProvider(in_order=["one"]))
    CassetteProvider(tmp_path / "tape.json", inner=ScriptProvider(in_order=["one"]))
    assert list(tmp_path.iterdir()) == []
    CassetteProvider(Path("/proc/self/tape.json"))  # only replays


@pytest.mark.parametrize("data", ["{", '{"format": 99}', '{"recordings": [1]}', "[]"])
def test_a_cassette_that_is_none_says_so(tmp_path: Path, data: str) -> None:
    path = tmp_path / "tape.json"
    path.write_text(data)
    with pytest.raises(SpecError):
        CassetteProvider(path)


def _python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_a_command_reads_the_question_and_prints_the_answer() -> None:
    code = "import json,sys; q=json.load(sys.stdin); print(q['role'], q['prompt'].splitlines()[0])"
    assert CommandProvider(_python(code)).answer(Q).text == "clerk Name a number."
    assert CommandProvider(_python(f"raise SystemExit({os.EX_TEMPFAIL})")).answer(Q) is None


@pytest.mark.parametrize(
    ("code", "words", "status"),
    [
        ("import sys; sys.exit('model is away')", "model is away", "crash"),
        ("import time; time.sleep(60)", "no answer within", "timeout"),
        ("import sys; sys.stdout.buffer.write(b'\\xff')", "not UTF-8", "protocol"),
        ("import sys\nfor _ in range(40): sys.stdout.write('x' * (1 << 20))", "printed", "output"),
    ],
)
def test_a_command_that_fails_is_told(code: str, words: str, status: str) -> None:
    with pytest.raises(ProviderError, match=words) as caught:
        CommandProvider(_python(code), timeout_s=1.0 if status == "timeout" else 30).answer(Q)
    assert caught.value.status == status


def test_a_command_that_is_not_there_is_told() -> None:
    with pytest.raises(ProviderError, match="cannot be started"):
        CommandProvider(["/no/such/program"]).answer(Q)


def test_settings_choose(tmp_path: Path) -> None:
    assert provider_for(Backend()) is None
    assert provider_for(Backend(backend="ollama", model="x")).name == "ollama"
    assert provider_for(Backend(backend="openai")).name == "openai"
    assert provider_for(Backend(backend="command", command="cat -")).name == "command"
    assert provider_for(Backend(answers=str(tmp_path / "a.json"))).name == "file"
    assert provider_for(Backend(cassette=str(tmp_path / "tape.json"))).name == "cassette"
    for wrong in (Backend(backend="olama"), Backend(backend="command"), Backend(backend="command", command="'")):
        with pytest.raises(UsageError):
            provider_for(wrong)
