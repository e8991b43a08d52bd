"""The queue is worked on: results, failures, interrupts, and the whole circle through pytest."""

from __future__ import annotations

import configparser
import json
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from harness import hooks
from harness.cli import main
from harness.cli.verb import build_parser, find_verb
from harness.ledger.handoffs import Handoff, Handoffs
from harness.ledger.store import Ledger
from harness.repair import watcher as watching
from harness.repair.bundles import handoff_for
from harness.repair.watcher import Watcher, summarise
from tests.conftest import BUILT_IN
from tests.repair.conftest import GOOD, with_fault, write_tool

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def ledger(tmp_path):
    with Ledger.open(tmp_path / "ledger.db") as opened:
        yield opened


@pytest.fixture
def said():
    return []


@pytest.fixture
def watcher(ledger, tmp_path, said):
    with Watcher(Handoffs(ledger), seconds=60, logs=tmp_path / "logs", workers=1, say=said.append) as made:
        yield made


def states(ledger) -> list[str]:
    return sorted(row["state"] for row in ledger.rows("SELECT state FROM handoffs"))


def test_what_can_never_be_repaired_is_invalid_and_says_why(watcher, ledger, tool, tmp_path, said):
    candidate = tmp_path / "a.py"
    candidate.write_bytes(with_fault("float_trunc"))
    good = handoff_for(tool, candidate, source="test", epoch=0)
    changed = Handoff("toolgen", "sum_list", good.tool_digest, "0" * 64, "wrong", good.payload)
    no_spec = Handoff("toolgen", "sum_list", "1", good.digest, "wrong", {**good.payload, "spec_path": "/no/such"})
    other_tool = Handoff("toolgen", "sum_list", "2", good.digest, "wrong", good.payload)
    Handoffs(ledger).add([changed, no_spec, other_tool])
    while watcher.work():
        pass
    assert states(ledger) == ["invalid"] * 3
    assert watcher.failures == 0
    text = "\n".join(said)
    for sentence in ("changed since it was handed off", "Spec file not found: /no/such", "the tool changed since"):
        assert sentence in text
    assert len(list((tmp_path / "logs").iterdir())) == 3


def test_an_oracle_that_fails_blames_no_candidate_and_is_quarantined(watcher, ledger, tmp_path):
    tool = write_tool(tmp_path / "tool", oracle="raise ValueError('broken')\ndef reference(): ...\ndef inputs(): ...\n")
    candidate = tmp_path / "a.py"
    candidate.write_text(GOOD)
    Handoffs(ledger).add([handoff_for(tool, candidate, source="test", epoch=0)])
    while watcher.work():
        pass
    assert states(ledger) == ["quarantined"]
    assert watcher.failures == 3
    assert "broken" in Handoffs(ledger).results()[0]["result"]["why"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_who_is_interrupted_gives_its_entry_back(watcher, ledger, tool, tmp_path, monkeypatch, error):
    candidate = tmp_path / "a.py"
    candidate.write_text(GOOD)
    Handoffs(ledger).add([handoff_for(tool, candidate, source="test", epoch=0)])

    def interrupted(*_):
        raise error

    monkeypatch.setattr(watching, "candidate_of", interrupted)
    with pytest.raises(error):
        watcher.work()
    assert states(ledger) == ["queued"]
    assert ledger.rows("SELECT attempts FROM handoffs") == [{"attempts": 0}]


def test_success_rates():
    def row(tool, state, *tried, won=""):
        return {"tool": tool, "state": state, "result": {"tried": list(tried), "strategy": won}}

    found = summarise([
        row("a", "repaired", "single", won="single"), row("a", "repaired", "single", "pair", won="pair"),
        row("a", "exhausted", "single", "pair"), row("a", "queued"), row("b", "invalid"),
        {"tool": "b", "state": "repaired", "result": {"tried": "nonsense"}},
    ])  # fmt: skip
    assert [(one["tool"], one["handoffs"], one["success"]) for one in found["tools"]] == [
        ("a", 4, pytest.approx(2 / 3)), ("b", 2, 1.0)]  # fmt: skip
    assert [(one["strategy"], one["tried"], one["repaired"]) for one in found["strategies"]] == [
        ("pair", 2, 1), ("single", 3, 1)]  # fmt: skip


def test_the_whole_circle(project, monkeypatch, capsys):
    """Handed off by pytest, repaired by one command, judged on the board by an unchanged pytest."""
    monkeypatch.setattr(hooks, "BUILT_IN", BUILT_IN)
    (project.path / "conftest.py").unlink()
    write_tool(project.path / "tool")
    project.put("pyproject.toml", "")
    project.put(
        "a.suite.yaml",
        """
        lane: toolgen
        tool: tool
        candidates: candidates/*.py
        attempts: 1
        timing: none
        jitter_ms: [0, 0]
        expect: {control: wrong}
    """,
    )
    candidates = project.path / "candidates"
    candidates.mkdir()
    broken = with_fault("float_trunc") + b"# mine\n"
    (candidates / "broken.py").write_bytes(broken)
    (candidates / "control.py").write_bytes(with_fault("wrong_operator"))
    command = ("--confirm", "0", "--secret-seed", "1", "-p", "no:cacheprovider")
    project.run(*command).stdout.fnmatch_lines(["notice: 1 candidate waits for repair*"])
    monkeypatch.chdir(project.path)
    assert main(["repair", "--once", "--budget-s", "300", "--workers", "1"]) == 0
    printed = capsys.readouterr().out
    assert "repaired: confirmed on " in printed
    assert "\n  challenger: " in printed
    project.run(*command).assert_outcomes(passed=2, failed=1)
    (challenger,) = candidates.glob("broken_fixed_*.py")
    assert challenger.read_bytes() == broken.replace(b"//", b"/")
    assert sorted(project.verdicts().values()) == ["ok", "wrong", "wrong"]
    [(child, parent, relation)] = project.rows("SELECT child, parent, relation FROM lineage")
    digests = dict(project.rows("SELECT digest, subject FROM evaluations"))
    assert (digests[child], digests[parent], relation) == (challenger.stem, "broken", "repairlab_fixed")
    # Nothing is left to do, and nothing is done twice.
    assert main(["repair", "--once"]) == 0
    assert capsys.readouterr().out.endswith("no hand-off waits for repair\n")
    assert main(["repair", "--stats", "--json"]) == 0
    stats = json.loads(capsys.readouterr().out)
    assert stats["tools"] == [{"tool": "sum_list", "handoffs": 1, "states": {"repaired": 1}, "success": 1.0}]
    assert stats["strategies"] == [
        {"tool": "sum_list", "strategy": "single", "tried": 1, "repaired": 1, "success": 1.0}
    ]
    assert main(["lineage", challenger.stem]) == 0
    assert "broken" in capsys.readouterr().out


def test_a_watcher_without_work_says_that_it_waits(tmp_path):
    Ledger.open(tmp_path / "ledger.db").close()
    command = [sys.executable, "-m", "harness", "repair", "--ledger", "ledger.db", "--interval", "1"]
    with subprocess.Popen(
        command, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True
    ) as process:
        line = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
    assert line == "waiting for hand-offs in ledger.db (a look every 1 s; Ctrl-C ends it)\n"
    assert rest == ""


def test_a_folder_without_hand_offs_is_wrong_usage(tmp_path, capsys):
    assert main(["repair", "--ledger", str(tmp_path / "ledger.db"), "--import", str(tmp_path)]) == 4
    assert "no hand-offs are there" in capsys.readouterr().err


# systemd


@pytest.mark.parametrize("name", ["crucible-repair.service", "crucible-repair.timer"])
def test_the_units_are_read_and_their_command_is_one_of_ours(name):
    unit = configparser.ConfigParser(interpolation=None)
    unit.optionxform = str
    unit.read_string((ROOT / "contrib/systemd" / name).read_text())
    if name.endswith("service"):
        words = shlex.split(unit["Service"]["ExecStart"])
        assert Path(words[0]).name == "crucible"
        command, verb, used = find_verb(words[1:])
        assert build_parser(command, verb).parse_args(words[1 + used :]).once
    else:
        assert unit["Timer"]["Unit"] == "crucible-repair.service"
