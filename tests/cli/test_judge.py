"""`crucible judge`: one line for each candidate, exit statuses, the reward of a task's verifier."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from harness.cli import main
from tests.judge.conftest import GOOD, ORACLE, WRONG, write_tool


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("judge")
    (root / "tool").mkdir()
    write_tool(root / "tool")
    (root / "broken").mkdir()
    write_tool(root / "broken", ORACLE.replace("return 2 * n", "raise RuntimeError"))
    (root / "good.py").write_text(GOOD)
    (root / "wrong.py").write_text(WRONG)
    return root


def judge(folder, *words: str, tool: str = "tool") -> int:
    return main(["judge", *words, "--tool", str(folder / tool), "--timing", "none"])


def test_candidates_have_a_line_each(folder, capsys):
    assert judge(folder, str(folder / "good.py"), str(folder / "wrong.py"), "--screen") == 1
    good, wrong = capsys.readouterr().out.splitlines()
    assert good.startswith(f"{folder / 'good.py'}: ok ")
    assert wrong.startswith(f"{folder / 'wrong.py'}: wrong ")


def test_a_reward_and_json(folder, capsys, tmp_path):
    assert judge(folder, str(folder / "good.py"), "--json", "--reward-file", str(tmp_path / "reward")) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["status"], row["passed"], row["reward"]) == ("ok", True, 1.0)
    assert (tmp_path / "reward").read_text() == "1.0\n"
    assert judge(folder, str(folder / "wrong.py"), "--reward-file", str(tmp_path / "reward")) == 1
    assert (tmp_path / "reward").read_text() == "0.0\n"


def test_what_cannot_be_judged_has_no_reward(folder, capsys, tmp_path):
    words = (str(folder / "good.py"), "--reward-file", str(tmp_path / "reward"))
    assert judge(folder, *words, tool="broken") == 3
    assert "RuntimeError" in capsys.readouterr().out
    assert not (tmp_path / "reward").exists()


def test_a_reward_that_was_put_there_before_does_not_count(folder, tmp_path):
    reward = tmp_path / "reward"
    reward.write_text("1.0\n")
    assert judge(folder, str(folder / "good.py"), "--reward-file", str(reward), tool="broken") == 3
    assert not reward.exists()
    elsewhere = tmp_path / "elsewhere"
    reward.symlink_to(elsewhere)
    assert judge(folder, str(folder / "wrong.py"), "--reward-file", str(reward), "--graded") == 1
    assert 0.0 <= float(reward.read_text()) < 0.5
    assert not elsewhere.exists()


@pytest.mark.parametrize("kind", ["missing", "link", "pipe", "folder"])
def test_what_was_not_submitted_earns_nothing(folder, tmp_path, kind):
    submitted, reward = tmp_path / "submitted.py", tmp_path / "reward"
    if kind == "link":
        submitted.symlink_to(folder / "good.py")  # such as the solution that the verifier keeps
    elif kind == "pipe":
        os.mkfifo(submitted)
    elif kind == "folder":
        submitted.mkdir()
    assert judge(folder, str(submitted), "--reward-file", str(reward)) == 1
    assert reward.read_text() == "0.0\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nothing.py"], "no such file"),
        (["good.py", "wrong.py", "--reward-file", "r"], "one candidate"),
        (["good.py", "--reward-file", "missing/folder/r"], "cannot be written"),
        (["good.py", "--reward-file", "pipe"], "it is not a regular file"),
        (["good.py", "--reward-file", "stdout"], "it is not a regular file"),
    ],
)
def test_mistakes_are_named(folder, capsys, monkeypatch, tmp_path, words, said):
    monkeypatch.chdir(folder)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "stdout").symlink_to("/proc/self/fd/1")  # as /dev/stdout is, also where that is a file
    words = [str(tmp_path / word) if word in ("pipe", "stdout") else word for word in words]
    assert judge(folder, *words) == 4
    assert os.path.lexists(tmp_path / "pipe")
    assert os.path.lexists(tmp_path / "stdout")
    assert said in capsys.readouterr().err


def test_a_name_that_is_not_utf8_counts_against_the_file(folder, capsys, tmp_path):
    odd = Path(os.fsdecode(bytes(tmp_path) + b"/odd\xff.py"))
    odd.write_bytes((folder / "good.py").read_bytes())
    assert judge(folder, str(odd), "--screen") == 1
    assert "odd\\udcff.py: crash " in capsys.readouterr().out
