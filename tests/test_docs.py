"""The documentation: workflows name what exists, links lead somewhere, examples run."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
import yaml

from harness.cli import VERBS
from harness.plugin import _OPTIONS

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / "docs/ci").glob("*.yml"))
PAGES = sorted([*(set(ROOT.glob("*.md")) - {ROOT / "ARCHITECTURE.md"}), *(ROOT / "docs").rglob("*.md")])
ALSO = {"-n", "-m", "-k", "--junitxml", "--ctrf"}  # of pytest, xdist and pytest-json-ctrf


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_parses_and_names_what_exists(path):
    workflow = yaml.safe_load(path.read_text("utf-8"))
    assert {"name", True, "permissions", "jobs"} <= workflow.keys()  # YAML reads `on` as a boolean
    for job in workflow["jobs"].values():
        for step in job["steps"]:
            assert step.keys() & {"uses", "run"}, step
            if "uses" in step:
                assert re.fullmatch(r"actions/[a-z-]+(/[a-z]+)?@v\d", step["uses"])
            for line in step.get("run", "").splitlines():
                words = shlex.split(re.sub(r"\$\{\{.*?\}\}", "1", line))
                program = words[0].rpartition("/")[2]
                if program == "crucible":
                    assert words[1] in VERBS
                if program == "pytest":
                    options = {word.partition("=")[0] for word in words if word.startswith("-")}
                    assert options <= _OPTIONS.keys() | ALSO, options


def test_there_is_a_workflow_for_each_need():
    text = "\n".join(path.read_text("utf-8") for path in WORKFLOWS)
    for need in ("-m gpu", "--gate '", "--shard", "crucible merge", "upload-artifact"):
        assert need in text
    assert {path.name for path in WORKFLOWS} == set(
        re.findall(r"\(ci/([a-z]+\.yml)\)", (ROOT / "docs/ci.md").read_text())
    )


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(path):
    for target in re.findall(r"\]\((?!https?:|#)([^)#\s]+)", path.read_text("utf-8")):
        assert (path.parent / target).exists(), target


def test_ctrf_reports_hold_our_cases(project):
    pytest.importorskip("ctrf", reason="needs pytest-json-ctrf: pip install pytest-json-ctrf")
    project.suite(good="ok", bad="wrong", gone="skipped", look="review")
    for more in ((), ("-n1",)):
        project.run("--ctrf", "ctrf.json", *more)
        found = json.loads((project.path / "ctrf.json").read_text())["results"]
        assert found["summary"]["tests"] == 4
        status = {one["name"].rpartition("::")[2]: one["status"] for one in found["tests"]}
        assert (status["good"], status["bad"], status["gone"], status["look"]) == (
            "passed",
            "failed",
            "skipped",
            "skipped",
        )
        [bad] = [one for one in found["tests"] if one["name"].endswith("bad")]
        assert "it says wrong" in json.dumps(bad)
