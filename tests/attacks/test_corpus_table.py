"""The expectation table and the files agree; nothing here runs an attack."""

import ast
from pathlib import Path

import pytest

from harness.core.document import read_document

HERE = Path(__file__).parent
TABLE = read_document(HERE / "expectations.yaml").value
ATTACKS = TABLE["attacks"]
NAMES = [attack["name"] for attack in ATTACKS]
FILES = sorted((HERE / "candidates").glob("*.py"))

STATUSES = {"ok", "wrong", "flaky", "timeout", "memory", "crash", "output", "protocol", "forbidden"}
LAYERS = {
    "attempts",
    "bound code",
    "cgroup",
    "clock",
    "deadline",
    "environment",
    "guard",
    "honest",
    "kill",
    "landlock",
    "namespaces",
    "pipe verdict",
    "pivot_root",
    "protocol",
    "reader",
    "rlimit",
    "seccomp",
    "static check",
    "stdio",
    "tmpfs",
    "uid",
    "zygote",
}


def test_every_file_has_an_entry_and_every_entry_a_file():
    assert sorted(NAMES) == [file.stem for file in FILES]


def test_names_are_sorted_and_numbers_unique():
    assert sorted(set(NAMES)) == NAMES
    assert len({name.partition("_")[0] for name in NAMES}) == len(NAMES)


def test_the_corpus_is_large_and_has_controls():
    assert len(NAMES) >= 50
    assert {"d24_good_control", "d25_wrong_control"} <= set(NAMES)


def test_the_threat_model_says_how_many():
    honest = sum("honest" in attack["layer"] for attack in ATTACKS)
    said = f"{len(ATTACKS) - honest} attacks and {honest} honest programs"
    assert said in (HERE.parents[1] / "docs" / "threat-model.md").read_text(encoding="utf-8")


def test_every_layer_is_attacked():
    assert {layer for attack in ATTACKS for layer in attack["layer"]} == LAYERS


@pytest.mark.parametrize("attack", ATTACKS, ids=NAMES)
def test_entry_is_well_formed(attack):
    assert set(attack) - {"tiers", "attempts", "tool", "most", "chain"} == {"name", "what", "layer", "expect"}
    assert attack["what"].strip()
    assert attack["layer"]
    assert set(attack["layer"]) <= LAYERS
    assert set(attack.get("tiers", {})) <= set("ABCDE")
    for expected in [attack["expect"], *attack.get("tiers", {}).values()]:
        assert expected
        assert set(expected) <= STATUSES
        assert len(set(expected)) == len(expected)
    assert attack.get("attempts", 1) >= 1


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_candidate_compiles_and_says_what_it_attempts(file):
    source = file.read_text(encoding="utf-8")
    compile(source, file.name, "exec", dont_inherit=True)
    tree = ast.parse(source)
    assert ast.get_docstring(tree)
    entry = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "run"]
    if file.stem == "d04_exit_at_import":  # never gets that far
        assert not entry
    else:
        assert [[argument.arg for argument in node.args.args] for node in entry] == [["text"]]


def test_planted_files_are_listed_and_cannot_be_collected():
    listed = [plant["file"] for plant in TABLE["planting"]]
    assert listed == sorted(file.name for file in (HERE / "planting").iterdir())
    for plant in TABLE["planting"]:
        assert plant["file"].endswith(".txt")
        source = (HERE / "planting" / plant["file"]).read_text(encoding="utf-8")
        if plant["file"].endswith(".py.txt"):
            compile(source, plant["file"], "exec", dont_inherit=True)
            assert plant["canary"] in source


def test_the_tool_spec_agrees_with_its_oracle():
    tool = read_document(HERE / "spec" / "tool.yaml").value
    oracle = {}
    exec((HERE / "spec" / "oracle.py").read_text(encoding="utf-8"), oracle)
    assert len(tool["test_cases"]) >= 6
    for case in tool["test_cases"]:
        assert oracle["reference"](**case["input"]) == case["expected_output"]
    for edge in oracle["edges"]():
        assert isinstance(oracle["reference"](**edge), str)
