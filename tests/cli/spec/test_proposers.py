"""Proposers: a model on a real server, a program and a function, from Python and from the command line."""

from __future__ import annotations

import json
import struct
import sys
from pathlib import Path
from typing import Any

import pytest

from harness.cli import main
from harness.core.clip import clip
from harness.core.errors import InfraError
from harness.grammar.improvement.iteration import improve_spec
from harness.grammar.improvement.proposer import from_provider, read_patches
from harness.grammar.patch import InsertField, Patch
from harness.providers.command import CommandProvider
from harness.providers.fault import ProviderError
from harness.providers.http import Endpoint
from harness.providers.ollama import OllamaProvider
from harness.providers.openai import OpenAIProvider
from tests.providers.conftest import ModelServer, model_server
from tests.script_provider import ScriptProvider

__all__ = ["model_server"]
GRAMMAR = (
    "endian: big\ntypes:\n  Header:\n    fields:\n      - {name: magic, type: u16}\n      - {name: version, type: u8}\n"
)
DATA = b"".join(struct.pack(">HBHB", 0x4D5A, 2, i % 7, i % 3) for i in range(60))
OPS = [
    {"op": "insert_field", "path": ["types", "Header"], "index": -1, "field_def": {"name": name, "type": kind}}
    for name, kind in (("flags", "u16"), ("count", "u8"))
]
ANSWER = json.dumps([{"description": "both", "ops": OPS}])
FENCED = f"There is more in it.\n```yaml\n{json.dumps(OPS)}\n```\nDone."


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "stub.yaml").write_text(GRAMMAR)
    (tmp_path / "a.bin").write_bytes(DATA)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_COLOR", "1")
    return tmp_path


def test_every_provider_can_propose(model_server: ModelServer, tmp_path: Path) -> None:
    script = tmp_path / "answer.py"
    script.write_text(f"import json, sys\nassert 'name: magic' in json.load(sys.stdin)['prompt']\nprint({FENCED!r})\n")
    endpoint = Endpoint(model_server.url, timeout_s=5)
    providers: list[Any] = [
        OllamaProvider(endpoint, model="m"),
        OpenAIProvider(endpoint, model="m"),
        CommandProvider([sys.executable, str(script)]),
        ScriptProvider(in_order=[ANSWER]),
    ]
    for provider, answer in zip(providers, (ANSWER, FENCED, "", ""), strict=True):
        model_server.answer = answer
        found = improve_spec(GRAMMAR, {"a": DATA}, from_provider(provider), max_iterations=1)
        assert found.best_score > found.initial_score, provider.name
        assert "name: count" in found.best.spec_text
    assert [path for path, _, _ in model_server.asked] == ["/api/chat", "/chat/completions"]
    messages = model_server.asked[0][1]["messages"]
    assert [message["role"] for message in messages] == ["system", "user"]
    assert "name: magic" in messages[1]["content"]


@pytest.mark.parametrize(
    "answer", ["I would rather not.", '{"ops": [{"op": "nope"}]}', "```yaml\n[1]\n```", "[3]", '"x"']
)
def test_an_answer_without_a_patch_is_an_error_that_shows_it(model_server: ModelServer, answer: str) -> None:
    model_server.answer = answer
    provider = OllamaProvider(Endpoint(model_server.url, timeout_s=5), model="m")
    with pytest.raises(InfraError) as caught:
        improve_spec(GRAMMAR, {"a": DATA}, from_provider(provider))
    assert clip(answer) in str(caught.value)
    assert "ollama" in caught.value.where


def test_a_server_that_fails_is_said() -> None:
    dead = OpenAIProvider(Endpoint("http://127.0.0.1:9", timeout_s=2, attempts=1), model="m")
    with pytest.raises(ProviderError, match="no server answers"):
        improve_spec(GRAMMAR, {"a": DATA}, from_provider(dead))
    silent = CommandProvider([sys.executable, "-c", "raise SystemExit(75)"])
    with pytest.raises(InfraError, match="no answer yet"):
        improve_spec(GRAMMAR, {"a": DATA}, from_provider(silent))


def test_what_was_found_before_the_proposer_failed_is_kept() -> None:
    found = improve_spec(GRAMMAR, {"a": DATA}, from_provider(ScriptProvider(in_order=[ANSWER, "no"])))
    assert found.best_score > found.initial_score
    assert "neither JSON nor" in found.fault
    assert len(found.steps) == 1


def test_answers_in_every_form() -> None:
    assert [len(p.ops) for p in read_patches(json.dumps(OPS))] == [2]
    assert [len(p.ops) for p in read_patches(json.dumps([OPS, OPS[:1]]))] == [2, 1]
    assert [len(p.ops) for p in read_patches(json.dumps({"ops": OPS}))] == [2]
    assert [len(p.ops) for p in read_patches(json.dumps([{"ops": OPS}, {"nonsense": 1}]))] == [2]
    assert read_patches("[]") == []
    patch = [{"op": "add", "path": "/types/Header/fields/-", "value": {"name": "x", "type": "u8"}}]
    assert [len(p.ops) for p in read_patches(json.dumps(patch))] == [1]


def test_the_command_line(files: Path, model_server: ModelServer, capsys: pytest.CaptureFixture[str]) -> None:
    model_server.answer = FENCED
    asked = ["spec", "improve", "stub.yaml", "a.bin", "--iterations", "1"]
    backend = ["--backend", "ollama", "--base-url", model_server.url, "--model", "m"]
    assert main([*asked, *backend, "--out", "better.yaml"]) == 0
    assert "name: count" in (files / "better.yaml").read_text()
    (files / "mine.py").write_text(
        "from harness.grammar.patch import read_patch\n"
        f"def suggest(situation):\n    assert situation.version.spec_text\n    return [read_patch({OPS!r})]\n"
    )
    assert main([*asked, "--proposer", "mine.py:suggest", "--out", "mine.yaml"]) == 0
    assert (files / "mine.yaml").read_text() == (files / "better.yaml").read_text()
    capsys.readouterr()
    model_server.answer = "The grammar is fine as it is."
    assert main([*asked, *backend]) == 1
    assert "The grammar is fine as it is." in capsys.readouterr().err
    wrong = {
        "did you mean 'suggest'?": ["--proposer", "mine.py:sugest"],
        "is not a Python file": ["--proposer", "other.py:suggest"],
        "two proposers": ["--proposer", "x", "--backend", "ollama"],
        "no provider is selected": ["--backend", "file"],
        "needs a command": ["--backend", "command"],
        "smallest valid value": ["--timeout", "0"],
        "less than 1": ["--iterations", "0"],
        "did you mean 'ollama'?": ["--backend", "olama"],
    }
    for said, options in wrong.items():
        assert main([*asked[:4], *options]) == 4, options
        assert said in capsys.readouterr().err


def test_a_function_of_your_own_is_a_proposer() -> None:
    patch = Patch(
        tuple(InsertField(("types", "Header"), -1, op["field_def"]) for op in OPS),
        "mine",
    )
    assert improve_spec(GRAMMAR, {"a": DATA}, lambda situation: [patch]).steps[0].description == "mine"
