"""`crucible dsl ...` in an empty folder; a model server on the loopback."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from harness.cli import main
from tests.providers.conftest import model_server

__all__ = ["dsl", "model_server"]


@pytest.fixture
def dsl(tmp_path, capsys, monkeypatch):
    """Run a sub-verb: status, out, err; `json` is the parsed output."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "160")

    def run(*words):
        arguments = ["dsl", *map(str, words)]
        status = main(arguments)
        out, err = capsys.readouterr()
        return SimpleNamespace(status=status, out=out, err=err, json=json.loads(out) if "--json" in arguments else None)

    return run
