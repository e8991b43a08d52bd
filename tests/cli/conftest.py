"""A ledger with some history, and a way to run verbs on it."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from harness.cli import main
from tests.ledger.factory import fill, make_evaluation


@pytest.fixture
def path(tmp_path):
    adam = make_evaluation("adam", score=0.85, median_ms=4.0)
    trie = make_evaluation("trie", score=0.9, parents=("adam",), style="loop", detected="trie")
    wrong = make_evaluation("wrong", score=0.3, status="wrong", median_ms=None)
    planted = make_evaluation("planted", score=0.0, status="timeout", expect="timeout")
    dsl = make_evaluation("hello", lane="dsl", suite="hello.suite.yaml", score=1.0)
    fill(
        tmp_path / "l.db",
        [adam, make_evaluation("trie", score=0.8), wrong, planted, dsl],
        [adam, trie, wrong, planted],
    )
    return tmp_path / "l.db"


@pytest.fixture
def crucible(path, capsys, monkeypatch):
    """Run a verb: status, out, err; `json` is the parsed output."""
    monkeypatch.setenv("COLUMNS", "100")

    def run(*words, ledger=True):
        arguments = [*map(str, words), *(["--ledger", str(path)] if ledger else [])]
        status = main(arguments)
        out, err = capsys.readouterr()
        parsed = None
        if "--json" in arguments and status == 0:
            parsed = json.loads(out)
        return SimpleNamespace(status=status, out=out, err=err, json=parsed)

    return run
