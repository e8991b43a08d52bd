"""What this machine offers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.cli import main
from harness.sandbox import probe


class Found:
    """A probe that found a hole, or not."""

    def __init__(self, breaches):
        self.tier, self.breaches = "C", breaches

    def line(self):
        return "sandbox: tier C [rlimits]"

    def table(self):
        return [
            ("rlimits", "on", ""),
            ("seccomp", "off", "no such kernel"),
            *(("attack", "BREACHED", b) for b in self.breaches),
        ]


@pytest.mark.parametrize(("breaches", "status"), [((), 0), (("read the suite",), 1)])
def test_the_table_and_the_status(monkeypatch, capsys, tmp_path, breaches, status):
    asked = []
    monkeypatch.setattr(probe, "probe", lambda paths: asked.extend(paths) or Found(breaches))
    assert main(["doctor", str(tmp_path)]) == status
    out = capsys.readouterr().out
    assert "sandbox: tier C" in out
    assert "  seccomp      off       no such kernel" in out
    assert ("read the suite" in out) is bool(breaches)
    assert asked == [tmp_path]
    assert main(["doctor", "--json"]) == status
    found = json.loads(capsys.readouterr().out)
    assert found["tier"] == "C"
    assert found["layers"][1] == {"layer": "seccomp", "state": "off", "reason": "no such kernel"}
    assert asked[-1] == Path.cwd()
    assert "torch" in found["extras"]
