"""A first project."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path

from harness.cli import main
from harness.cli.example import FILES, PYPROJECT
from harness.suites.settings import Project

ROOT = Path(__file__).parents[2]


def test_the_example_works(tmp_path):
    folder = tmp_path / "my tools"
    assert main(["init", str(folder)]) == 0
    # The plugin may or may not be installed where these tests run.
    code = "import sys, pytest; sys.path.insert(0, sys.argv[1]); sys.exit(pytest.main(sys.argv[2:]))"
    options = ["-p", "harness.plugin", "-p", "no:cacheprovider", "--min-tier", "E"]
    done = subprocess.run(
        [sys.executable, "-c", code, str(ROOT), *options, "suites/"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout
    assert "controls: 1 of 1 as expected" in done.stdout
    assert (folder / "reports" / "index.html").exists()


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
    assert json.loads(capsys.readouterr().out)["written"] == sorted([*FILES, "pyproject.toml"])
    (tmp_path / "file").touch()
    assert main(["init", str(tmp_path / "file")]) == 4
    assert main(["init", str(tmp_path / "file" / "below")]) == 1


def test_the_snippet_is_understood():
    assert Project.model_validate(tomllib.loads(PYPROJECT)["tool"]["crucible"]).attempts == 3
