"""A first project."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from harness.cli import main
from harness.cli.init import LANES, scaffold
from harness.core.tier import Tier
from harness.hooks import Registry
from harness.judge.case import evaluate_case
from harness.lane.context import Context
from harness.lanes.kernel.warm_processes import WarmProcesses
from harness.suites.loader import collect_cases, load_suite
from harness.suites.settings import Project, Settings

ROOT = Path(__file__).parents[2]


# Projects of the lane toolgen are judged in tests/test_docs.py: they are what README and the tutorial show.
GOOD = {
    "spec": "GOOD  2 of 2 candidates pass · 1 of 1 control as expected",
    "dsl": "GOOD  10 of 10 candidates pass · 2 of 2 controls as expected",
}
FIRST = {"spec": "records"}  # the good one is better than the slow one


def run_pytest(folder, *args):
    # The plugin may or may not be installed where these tests run.
    code = "import sys, pytest; sys.path.insert(0, sys.argv[1]); sys.exit(pytest.main(sys.argv[2:]))"
    options = ["-p", "harness.plugin", "-p", "no:cacheprovider", "--min-tier", "E", "--confirm", "0"]
    command = [sys.executable, "-c", code, str(ROOT), *options, *args]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("lane", GOOD)
def test_the_example_works(tmp_path, lane, capsys):
    folder = tmp_path / "my project"
    assert main(["init", str(folder), "--lane", lane]) == 0
    told = capsys.readouterr().out.partition("now type:\n")[2].splitlines()
    assert told == [f"  cd '{folder}' && pytest suites/", "  crucible top", "  crucible show --run latest"]
    done = run_pytest(folder, "suites/", "-q")
    assert done.returncode == 0, done.stdout + done.stderr
    assert GOOD[lane] in done.stdout
    assert (folder / "reports" / "index.html").exists()
    assert main(["top", "--ledger", str(folder / "reports/ledger.db"), "--json"]) == 0
    if lane in FIRST:
        assert json.loads(capsys.readouterr().out)[0]["subject"] == FIRST[lane]


def test_the_kernels_are_judged(tmp_path, processes):
    """By the warm processes of this pytest worker; pytest judges kernels in tests/report/browser/test_real_run.py."""
    pytest.importorskip("torch")
    assert main(["init", str(tmp_path / "p"), "--lane", "kernel"]) == 0
    lane, settings = (
        Registry().lanes["kernel"],
        Settings(secret_seed=7, ledger=tmp_path / "l.db", report=tmp_path / "r.html"),
    )
    context = Context(secret_seed=7, scratch=tmp_path / "scratch", tier=Tier.A)
    context._kept[WarmProcesses] = processes
    found = {}
    for path in sorted((tmp_path / "p/suites").glob("*.suite.yaml")):
        suite = load_suite(path, name=path.name, lanes={"kernel": lane}, settings=settings)
        found |= {case.name: evaluate_case(case, lane, context) for case in collect_cases(suite, lane)}
    context._kept.pop(WarmProcesses)
    context.close()
    assert all(one.as_expected for one in found.values()), {name: one.why for name, one in found.items()}
    assert sorted(one.passed for one in found.values()) == [False] * 2 + [True] * 4


def test_the_workflow_is_one_of_the_documented_kind(tmp_path):
    for lane in LANES:
        workflow = yaml.safe_load(scaffold(lane)[".github/workflows/crucible.yml"])
        commands = [step.get("run", "") for step in workflow["jobs"]["judge"]["steps"]]
        assert f"pip install '{'pytest-crucible[kernels]' if lane == 'kernel' else 'pytest-crucible'}'" in commands
        assert any(command.startswith("pytest suites/ ") for command in commands)


def test_nothing_is_overwritten(tmp_path, capsys):
    (tmp_path / "suites").mkdir()
    (tmp_path / "suites" / "slugify.suite.yaml").write_text("mine")
    assert main(["init", str(tmp_path)]) == 1
    assert "suites/slugify.suite.yaml would be overwritten" in capsys.readouterr().err
    assert (tmp_path / "suites" / "slugify.suite.yaml").read_text() == "mine"
    assert [p.name for p in tmp_path.iterdir()] == ["suites"]


def test_a_project_that_is_there_gets_a_snippet_to_copy(tmp_path, capsys):
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    assert main(["init", str(tmp_path)]) == 0
    assert "[tool.crucible]" in capsys.readouterr().out
    assert (tmp_path / "pyproject.toml").read_text() == "[project]\n"


def test_json_and_wrong_places(tmp_path, capsys):
    assert main(["init", str(tmp_path / "x"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["written"] == sorted(scaffold("toolgen"))
    (tmp_path / "file").touch()
    assert main(["init", str(tmp_path / "file")]) == 4
    assert main(["init", str(tmp_path / "file" / "below")]) == 1


def test_the_snippet_is_understood():
    assert Project.model_validate(tomllib.loads(scaffold("spec")["pyproject.toml"])["tool"]["crucible"]).attempts == 3
