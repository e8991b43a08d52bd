"""Bundles: complete, the same bytes each time, and honest about what is in them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from harness.cli import main
from harness.evolve.bundle import with_license
from harness.evolve.sbom import imports_of
from harness.lanes.toolgen.proposals.templates import styles_of, template, tools

pytest.importorskip("cyclonedx", reason="the extra `evolve` is not installed")

ROOT = Path(__file__).resolve().parents[2]
FLATTEN = ROOT / "specs" / "tools" / "json_flatten"
FILES = ["README.md", "SBOM.json", "spec.json", "test_tool.py", "tool.py"]


def bundle(out: Path, *words: object, spec: Path = FLATTEN) -> Path:
    status = main(["toolgen", "--spec", str(spec), "--out", str(out), "--no-judge", *map(str, words)])
    assert status == 0
    (folder,) = out.iterdir()
    return folder


def properties(sbom: dict) -> dict[str, str]:
    return {one["name"]: one["value"] for one in sbom["metadata"]["component"]["properties"]}


def test_a_bundle_is_complete_and_its_tests_pass(tmp_path):
    folder = bundle(tmp_path, "--style", "queue", "--epoch", 40)
    assert sorted(path.name for path in folder.iterdir()) == FILES
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:harness.plugin", str(folder)]
    assert subprocess.run(command, capture_output=True, check=False, cwd=tmp_path).returncode == 0
    spec = json.loads((folder / "spec.json").read_text())
    assert spec["tool_id"] == "json_flatten"
    assert spec["test_cases"][0] == {
        "input": {"obj": {"a": [{"b": 1}]}},
        "expected_output": {"a[0].b": 1},
        "description": "dicts and lists are expanded",
    }
    assert "flatten_json(obj={'a': [{'b': 1}]})  # {'a[0].b': 1}" in (folder / "README.md").read_text()


def test_the_bill_of_materials_says_what_is_there(tmp_path):
    folder = bundle(tmp_path, "--style", "queue", "--epoch", 40)
    sbom = json.loads((folder / "SBOM.json").read_text())
    assert (sbom["bomFormat"], sbom["specVersion"]) == ("CycloneDX", "1.6")
    root = sbom["metadata"]["component"]
    assert root["licenses"] == [{"license": {"id": "MIT"}}]
    assert properties(sbom) == properties(sbom) | {
        "crucible:style": "queue",
        "crucible:style_detected": "queue",
        "crucible:budget.time_ms": "1000",
        "crucible:budget.memory_mb": "64",
        "crucible:tier": "not judged",
    }
    assert [one["name"] for one in sbom["components"]] == ["collections"]
    assert "pedigree" not in root


def test_lineage_is_the_pedigree_of_the_standard(tmp_path):
    parent = tmp_path / "parent.py"
    child = tmp_path / "child.py"
    parent.write_text(template("json_flatten", "stack"))
    child.write_text(template("json_flatten", "stack").replace("A stack", "The stack"))
    sbom = json.loads((bundle(tmp_path / "out", "--candidate", child, "--parent", parent) / "SBOM.json").read_text())
    pedigree = sbom["metadata"]["component"]["pedigree"]
    assert [one["name"] for one in pedigree["ancestors"]] == ["parent"]
    diff = pedigree["patches"][0]["diff"]["text"]["content"]
    assert '-"""A stack' in diff
    assert '+"""The stack' in diff


def test_the_same_bytes_each_time(tmp_path, monkeypatch):
    def content(out: Path, *words: object) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in bundle(out, "--style", "scan", *words).iterdir()}

    assert content(tmp_path / "a") == content(tmp_path / "b")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    dated = content(tmp_path / "c")
    assert dated == content(tmp_path / "d")
    assert b"2023-11-14T22:13:20" in dated["SBOM.json"]
    assert dated["SBOM.json"] != content(tmp_path / "e", "--epoch", 1)["SBOM.json"]
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    assert main(["toolgen", "--spec", str(FLATTEN), "--out", str(tmp_path / "f"), "--no-judge"]) == 4


def test_a_tool_without_constraints_in_the_seed_shape(tmp_path):
    spec = tmp_path / "double.json"
    case = {"input": {"n": 2}, "expected_output": 4}
    spec.write_text(json.dumps({"tool_id": "double", "signature": "def double(n: int) -> int", "test_cases": [case]}))
    candidate = tmp_path / "double.py"
    candidate.write_text("def double(n):\n    return n + n\n")
    folder = bundle(tmp_path / "out", "--candidate", candidate, spec=spec)
    assert (folder / "tool.py").read_text().startswith("# SPDX-License-Identifier: MIT\n")
    assert properties(json.loads((folder / "SBOM.json").read_text()))["crucible:forbidden_apis"] == "default"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--spec", "nowhere"], "no such tool"),
        (["--spec", FLATTEN, "--style", "stak"], "did you mean 'stack'?"),
        (["--spec", FLATTEN, "--impl_style", "quantum"], "no template of style 'quantum'"),
        (["--spec", FLATTEN, "--epoch", "-3"], "-3"),
        (["--spec", FLATTEN, "--candidate", "nowhere.py"], "cannot be read"),
        (["--spec", FLATTEN, "--candidate", __file__, "--style", "stack"], "give one of them"),
    ],
)
def test_wrong_usage_has_one_sentence(tmp_path, capsys, words, says):
    assert main(["toolgen", *map(str, words), "--out", str(tmp_path), "--no-judge"]) == 4
    assert says in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_link_in_the_folder_is_not_followed(tmp_path, capsys):
    target = tmp_path / "target"
    target.write_text("mine")
    (tmp_path / "out" / "json_flatten").mkdir(parents=True)
    (tmp_path / "out" / "json_flatten" / "tool.py").symlink_to(target)
    words = ["toolgen", "--spec", str(FLATTEN), "--out", str(tmp_path / "out"), "--no-judge", "--epoch", str(10**9)]
    assert main(words) == 4
    assert "it is a link" in capsys.readouterr().err
    assert target.read_text() == "mine"


def test_every_template_has_a_licence_and_lists_its_imports():
    for tool_id in tools():
        for style in styles_of(tool_id):
            source = template(tool_id, style)
            assert with_license(source) == source
    assert imports_of("import os.path, re\nfrom a.b import c\nfrom . import d\nfrom __future__ import x\n") == [
        "a",
        "os",
        "re",
    ]
    assert with_license("#!/usr/bin/python\nx = 1\n").split("\n")[:2] == [
        "#!/usr/bin/python",
        "# SPDX-License-Identifier: MIT",
    ]
