# SPDX-License-Identifier: MIT
"""text_deduplicate: its examples, oracle and candidates agree, and what was planted is caught.

Our own candidates are imported here, in process; no other test does so, and the plugin never does.
"""

from __future__ import annotations

import ast
import doctest
import importlib.util
import json
import os
import random
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings

ROOT = Path(__file__).resolve().parents[2]
SPEC = ROOT / "specs/tools/text_deduplicate"
CANDIDATES = ROOT / "candidates/text_deduplicate"
TOOL: dict[str, Any] = yaml.safe_load((SPEC / "tool.yaml").read_text(encoding="utf-8"))
GOOD = sorted(path.stem for path in CANDIDATES.glob("*.py"))
WRONG = ["prints_passed", "wrong_case_fold", "wrong_drops_last", "wrong_lsh_unverified", "wrong_merges_tokens"]
RIGHT_BUT = ["forbidden_getattr", "forbidden_system", "leaking_memory", "relabelled_set", "slow_quadratic"]

Tool = Callable[..., Any]


def load(path: Path) -> ModuleType:
    """Import a file by its path, under a unique module name."""
    found = importlib.util.spec_from_file_location(f"text_deduplicate_{path.parent.name}_{path.stem}", path)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def answer(tool: Tool, kwargs: dict[str, Any]) -> Any:
    """What a tool returns, or the name of what it raises."""
    try:
        return tool(**kwargs)
    except Exception as error:
        return f"raised {type(error).__name__}"


oracle = load(SPEC / "oracle.py")
tools: dict[str, Tool] = {name: load(CANDIDATES / f"{name}.py").deduplicate_lines for name in GOOD}
planted: dict[str, Tool] = {
    name: load(CANDIDATES / "planted" / f"{name}.py").deduplicate_lines for name in [*WRONG, *RIGHT_BUT]
}


def caught_by(tool: Tool) -> set[str]:
    """Which kinds of question show that a tool is wrong."""
    found: set[str] = set()
    if any(answer(tool, case["input"]) != case["expected_output"] for case in TOOL["test_cases"]):
        found.add("examples")
    for kwargs in oracle.edges():
        if answer(tool, kwargs) != answer(oracle.reference, kwargs):
            found.add("edges")
        elif len(kwargs["lines"]) < 1000 and any(law(tool, kwargs, random.Random(1)) for law in oracle.PROPERTIES):
            found.add("properties")
    return found


@pytest.mark.parametrize("case", TOOL["test_cases"], ids=lambda case: case["description"])
def test_reference_gives_the_examples(case: dict[str, Any]) -> None:
    assert oracle.reference(**case["input"]) == case["expected_output"]


def test_json_twin_has_the_same_examples() -> None:
    twin = json.loads((SPEC.parent / "text_deduplicate.json").read_text(encoding="utf-8"))
    assert twin == {key: TOOL[key] for key in twin}
    assert set(TOOL) - set(twin) == {"workload_size"}


@pytest.mark.parametrize("name", GOOD)
def test_candidate_gives_the_examples(name: str) -> None:
    for case in TOOL["test_cases"]:
        assert tools[name](**case["input"]) == case["expected_output"], case["description"]


@pytest.mark.parametrize("name", GOOD)
def test_candidate_agrees_on_the_edges(name: str) -> None:
    for number, kwargs in enumerate(oracle.edges()):
        assert answer(tools[name], kwargs) == answer(oracle.reference, kwargs), f"edge {number}"


@pytest.mark.parametrize("name", GOOD)
def test_candidate_agrees_on_workloads(name: str) -> None:
    for seed in range(3):
        kwargs = oracle.workload(TOOL["workload_size"], random.Random(seed))
        assert len(kwargs["lines"]) == TOOL["workload_size"]
        assert tools[name](**kwargs) == oracle.reference(**kwargs)


@settings(max_examples=120, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(kwargs=oracle.inputs())
def test_candidates_agree_on_drawn_inputs(kwargs: dict[str, Any]) -> None:
    before = list(kwargs["lines"])
    expected = oracle.reference(**kwargs)
    for name, tool in tools.items():
        assert tool(**kwargs) == expected, name
    assert kwargs["lines"] == before


@settings(max_examples=80, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(kwargs=oracle.inputs())
def test_properties_hold_for_the_reference(kwargs: dict[str, Any]) -> None:
    for law in oracle.PROPERTIES:
        assert law(oracle.reference, kwargs, random.Random(0)) is None, law.__name__


@pytest.mark.parametrize("nonsense", [None, 7, "ab", {"a": 1}, [1], ["a", None]], ids=repr)
def test_an_answer_of_the_wrong_shape_violates_every_property(nonsense: Any) -> None:
    kwargs = TOOL["test_cases"][0]["input"]
    for law in oracle.PROPERTIES:
        violation = law(lambda **_: nonsense, kwargs, random.Random(0))
        assert "not a" in (violation or ""), law.__name__


def test_properties_hold_on_the_edges() -> None:
    for number, kwargs in enumerate(oracle.edges()):
        for law in oracle.PROPERTIES:
            if 0.0 <= kwargs["threshold"] <= 1.0:
                assert law(oracle.reference, kwargs, random.Random(0)) is None, f"{law.__name__}, edge {number}"


@pytest.mark.parametrize("name", WRONG)
def test_what_is_planted_wrong_is_caught(name: str) -> None:
    assert caught_by(planted[name])


def test_some_faults_show_only_on_the_edges() -> None:
    """The examples are public; a spec that had only them could be satisfied by a wrong tool."""
    caught = caught_by(planted["wrong_drops_last"])
    assert "examples" not in caught
    assert "edges" in caught


@pytest.mark.parametrize("name", ["forbidden_getattr", "forbidden_system", "relabelled_set", "slow_quadratic"])
def test_other_planted_faults_give_right_answers(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is planted slow or forbidden must not be caught for being wrong as well."""
    monkeypatch.setattr(os, "system", lambda command: 0)
    for case in TOOL["test_cases"]:
        assert planted[name](**case["input"]) == case["expected_output"], case["description"]
    for kwargs in oracle.edges():
        if len(kwargs["lines"]) <= 1000:
            assert answer(planted[name], kwargs) == answer(oracle.reference, kwargs)


def test_an_edge_is_long_enough_for_quadratic_tools() -> None:
    """slow_quadratic compares each pair of distinct lines: more than 10^8 comparisons, and so seconds, on this edge."""
    most = max(len(set(kwargs["lines"])) for kwargs in oracle.edges() if kwargs["threshold"] == 1.0)
    assert most * (most - 1) // 2 > 10**8


def test_flaky_candidate_depends_on_the_hash_seed() -> None:
    """Same questions, eight hash seeds: the edges have ties, and the planted tool settles them by hash."""
    edges = [kwargs for kwargs in oracle.edges() if kwargs["threshold"] < 0.9 and len(kwargs["lines"]) < 9]
    program = (
        "import json, runpy, sys\n"
        f"tool = runpy.run_path({str(CANDIDATES / 'planted' / 'flaky_hash_order.py')!r})['deduplicate_lines']\n"
        "questions = [q for q in json.load(sys.stdin) if 0 <= q['threshold'] <= 1]\n"
        "print(json.dumps([tool(**q) for q in questions]))\n"
    )
    answers = {
        subprocess.run(
            [sys.executable, "-S", "-c", program],
            input=json.dumps(edges),
            env={"PYTHONHASHSEED": str(seed)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in range(8)
    }
    assert len(answers) > 2


@pytest.mark.parametrize("path", sorted(CANDIDATES.rglob("*.py")), ids=lambda path: path.stem)
def test_candidate_files_are_well_formed(path: Path) -> None:
    """Licence, metadata and the exact signature; good ones also carry an example that runs (see doctest below)."""
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "# SPDX-License-Identifier: MIT"
    assert lines[1] == "# /// candidate"
    block = lines[2 : lines.index("# ///")]
    metadata = tomllib.loads("\n".join(line.removeprefix("# ") for line in block))
    assert set(metadata) == {"style", "generator", "license"}
    tree = ast.parse("\n".join(lines))
    entry = next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "deduplicate_lines")
    wanted = ast.parse(TOOL["signature"] + ": ...").body[0]
    assert isinstance(wanted, ast.FunctionDef)
    assert ast.dump(entry.args) == ast.dump(wanted.args)
    assert ast.get_docstring(tree)
    assert ast.get_docstring(entry)


@pytest.mark.parametrize("name", GOOD)
def test_candidate_doctests(name: str) -> None:
    result = doctest.testmod(load(CANDIDATES / f"{name}.py"))
    assert result.attempted > 0
    assert result.failed == 0
