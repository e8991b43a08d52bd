"""`crucible evolve` from the command line: results, a model by command, and folders of candidates."""

from __future__ import annotations

import json
import stat
import sys

import pytest

from harness.cli import main
from harness.ledger.store import Ledger
from harness.ledger.trials import experiments
from tests.evolve.conftest import write_project

GOOD = '"""Sums."""\n\n\ndef total(numbers: list[int]) -> int:\n    """Return the sum."""\n    return sum(numbers)\n'
SMALL = """\
name: sums
tools: {total: tool}
curriculum: {epoch_0_plus: total}
start: [start.py]
timing: none
attempts: 1
questions: 4
population: 5
generations: 2
islands: 1
finalists: 0
"""
MODEL = """\
#!{python}
import json, pathlib, sys
count = pathlib.Path(__file__).with_name("calls")
number = len(count.read_text()) if count.exists() else 0
count.write_text("x" * (number + 1))
question = json.load(sys.stdin)
assert "def reference" not in question["prompt"]
replies = [
    "I would rather not.",
    "Sure:\\n```python\\ndef total(numbers):\\n    return 1\\n```\\nor better\\n```python\\n{good}```\\nDone.",
    "x" * 3_000_000,
]
if number == 3:
    sys.exit(1)
print(replies[number % 3])
"""


def crucible(capsys, *words, status=0):
    assert main([str(word) for word in words]) == status
    return capsys.readouterr()


def test_a_search_with_a_program_as_proposer(tmp_path, capsys):
    """It answers with prose, two blocks and too much, and fails; it is never asked for the same trial twice."""
    program = tmp_path / "model"
    text = MODEL.replace("{python}", sys.executable).replace("{good}", GOOD.replace('"', '\\"').replace("\n", "\\n"))
    program.write_text(text)
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    model = f"{{kind: command, command: {program}, max_calls: 4, usd_per_million_tokens: 1}}"
    config = SMALL + f"proposers: [{model}, {{kind: operators, weight: 0.000001}}]\n"
    file = write_project(tmp_path / "project", config=config)
    ledger = tmp_path / "ledger.db"
    found = json.loads(crucible(capsys, "evolve", file, "--ledger", ledger, "--lanes", 1, "--json").out)[0]
    (champion,) = found["champions"]
    assert champion["operator"] == "command"
    assert found["stages"]["reply"]["trials"] == 1
    assert found["stages"]["parse"]["trials"] == 2
    assert found["tokens"] > 0
    assert (tmp_path / "calls").read_text() == "xxxx"
    again = json.loads(crucible(capsys, "evolve", file, "--ledger", ledger, "--lanes", 1, "--json").out)[0]
    assert again["judged"] == 0
    assert again["champions"] == found["champions"]
    assert again["tokens"] == found["tokens"]
    assert (tmp_path / "calls").read_text() == "xxxx"
    out = crucible(capsys, "evolve", file, "--ledger", ledger).out
    assert "champion  total: " in out
    assert "stages    reply 1" in out
    with Ledger.read(ledger) as opened:
        (row,) = experiments(opened)
        assert (row["state"], row["trials"]) == ("finished", found["trials"])
        assert json.loads(row["record"])["stages"]["reply"]["trials"] == 1
    board = json.loads(crucible(capsys, "top", "--ledger", ledger, "--json").out)
    assert champion["digest"] in json.dumps(board)
    assert "suite evolve" not in crucible(capsys, "lineage", champion["digest"], "--ledger", ledger).out
    assert "component" in crucible(capsys, "show", champion["digest"], "--ledger", ledger).out


@pytest.mark.parametrize(
    ("config", "words", "says"),
    [
        (SMALL.replace("[start.py]", "[gone.py]"), [], "the start file 'gone.py' cannot be read"),
        (SMALL.replace("total: tool", "total: nowhere"), [], "'nowhere' does not exist"),
        (SMALL + "search_space: {impl_style: []}\n", [], "has no values"),
        (SMALL + "proposers: [{kind: model, backend: file}]\n", [], "has no answers"),
    ],
)
def test_a_mistake_is_one_sentence_and_leaves_no_experiment(tmp_path, capsys, config, words, says):
    file = write_project(tmp_path / "project", config=config)
    ledger = tmp_path / "ledger.db"
    assert main(["evolve", str(file), "--ledger", str(ledger), *words]) != 0
    assert says in capsys.readouterr().err


def test_no_feasible_start_ends_without_a_champion(tmp_path, capsys):
    file = write_project(tmp_path / "project", config=SMALL)
    (file.parent / "start.py").write_text(GOOD.replace("sum(", "len("))
    found = crucible(capsys, "evolve", file, "--ledger", tmp_path / "l.db", "--lanes", 1, status=1)
    assert "champion  none: no candidate passed" in found.out
