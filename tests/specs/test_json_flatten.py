# SPDX-License-Identifier: MIT
"""json_flatten: its examples, oracle and candidates agree, and what was planted is caught.

Our own candidates are imported here, in process; no other test does so, and the plugin never does.
"""

from __future__ import annotations

import ast
import doctest
import importlib.util
import json
import random
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

ROOT = Path(__file__).resolve().parents[2]
SPEC = ROOT / "specs/tools/json_flatten"
CANDIDATES = ROOT / "candidates/json_flatten"
TOOL: dict[str, Any] = yaml.safe_load((SPEC / "tool.yaml").read_text(encoding="utf-8"))
GOOD = sorted(path.stem for path in CANDIDATES.glob("*.py"))
PLANTED = sorted(path.stem for path in (CANDIDATES / "planted").glob("*.py"))

Tool = Callable[..., Any]


def load(path: Path) -> ModuleType:
    """Import a file by its path, under a unique module name."""
    found = importlib.util.spec_from_file_location(f"json_flatten_{path.parent.name}_{path.stem}", path)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


oracle = load(SPEC / "oracle.py")
tools: dict[str, Tool] = {name: load(CANDIDATES / f"{name}.py").flatten_json for name in GOOD}


def answer(tool: Tool, kwargs: dict[str, Any]) -> Any:
    """What a tool returns, or the name of what it raises, under Python's own recursion limit: imports may raise it."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(1_000)
    try:
        return tool(**kwargs)
    except Exception as error:
        return f"raised {type(error).__name__}"
    finally:
        sys.setrecursionlimit(before)


@pytest.mark.parametrize("case", TOOL["test_cases"], ids=lambda case: case["description"])
def test_reference_gives_the_examples(case: dict[str, Any]) -> None:
    assert oracle.same(oracle.reference(**case["input"]), case["expected_output"])


def test_json_twin_has_the_same_examples() -> None:
    twin = json.loads((SPEC.parent / "json_flatten.json").read_text(encoding="utf-8"))
    assert oracle.same(twin, {key: TOOL[key] for key in twin})
    assert set(TOOL) - set(twin) == {"workload_size"}


def test_reference_copes_with_any_depth() -> None:
    value: Any = 7
    for level in range(6000):
        value = {"k": value} if level % 2 else [value]
    (path,) = oracle.reference({"root": value})
    assert path == "root" + ".k[0]" * 3000


def test_same_is_exact_about_types() -> None:
    different = [1, 1.0, True, "1", None, [], {}, 0, 0.0, -0.0, False, ""]
    for one in range(len(different)):
        for other in range(len(different)):
            assert oracle.same(different[one], different[other]) == (one == other)
    assert oracle.same({"a": 1, "b": [2]}, {"b": [2], "a": 1})


@pytest.mark.parametrize(
    "flat",
    [
        {"a]": 1},
        {"a\\": 1},
        {"a[01]": 1},
        {"a[x]": 1},
        {"a[1]": 1},
        {"a[0]b": 1},
        {"a": 1, "a.b": 2},
        {"a.b": 1, "a": 2},
    ],
    ids=repr,
)
def test_unflatten_refuses_what_no_object_flattens_to(flat: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        oracle.unflatten(flat)


@pytest.mark.parametrize("name", GOOD)
def test_candidate_gives_the_examples(name: str) -> None:
    for case in TOOL["test_cases"]:
        assert oracle.same(tools[name](**case["input"]), case["expected_output"]), case["description"]


@pytest.mark.parametrize("name", GOOD)
def test_candidate_agrees_on_the_edges(name: str) -> None:
    for number, kwargs in enumerate(oracle.edges()):
        assert oracle.same(answer(tools[name], kwargs), answer(oracle.reference, kwargs)), f"edge {number}"


@pytest.mark.parametrize("name", GOOD)
def test_candidate_agrees_on_workloads(name: str) -> None:
    for seed in range(3):
        kwargs = oracle.workload(TOOL["workload_size"], random.Random(seed))
        expected = oracle.reference(**kwargs)
        assert len(expected) == TOOL["workload_size"]
        assert oracle.same(tools[name](**kwargs), expected)


@settings(max_examples=80, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(kwargs=oracle.inputs())
def test_candidates_agree_on_drawn_inputs(kwargs: dict[str, Any]) -> None:
    before = json.dumps(kwargs)
    expected = oracle.reference(**kwargs)
    for name, tool in tools.items():
        assert oracle.same(tool(**kwargs), expected), name
    assert json.dumps(kwargs) == before


@settings(max_examples=80, deadline=None, database=None, derandomize=True)
@given(key=st.text(".[]\\ab0", max_size=8))
def test_escaped_keys_can_be_read_back(key: str) -> None:
    assert oracle.path_steps(oracle.escape(key)) == (key,)


@settings(max_examples=80, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(kwargs=oracle.inputs())
def test_properties_hold_for_the_reference(kwargs: dict[str, Any]) -> None:
    for law in oracle.PROPERTIES:
        assert law(oracle.reference, kwargs, random.Random(0)) is None, law.__name__


@pytest.mark.parametrize("nonsense", [None, 7, "ab", [1], [["a", 1]]], ids=repr)
def test_an_answer_of_the_wrong_shape_violates_every_property(nonsense: Any) -> None:
    kwargs = TOOL["test_cases"][0]["input"]
    for law in oracle.PROPERTIES:
        violation = law(lambda **_: nonsense, kwargs, random.Random(0))
        assert "not a" in (violation or ""), law.__name__


def test_properties_hold_on_the_edges() -> None:
    for number, kwargs in enumerate(oracle.edges()):
        for law in oracle.PROPERTIES:
            assert law(oracle.reference, kwargs, random.Random(0)) is None, f"{law.__name__}, edge {number}"


@pytest.mark.parametrize("name", PLANTED)
def test_what_is_planted_is_caught(name: str) -> None:
    tool = load(CANDIDATES / "planted" / f"{name}.py").flatten_json
    edges = [
        kwargs for kwargs in oracle.edges() if not oracle.same(answer(tool, kwargs), answer(oracle.reference, kwargs))
    ]
    assert edges


@pytest.mark.parametrize("name", ["wrong_drops_empties", "wrong_colliding_keys", "wrong_nested_lists"])
def test_what_is_planted_wrong_breaks_a_property(name: str) -> None:
    """Without knowing the right answer: each of these loses something, so it cannot be undone."""
    tool = load(CANDIDATES / "planted" / f"{name}.py").flatten_json
    broken = {
        law.__name__
        for kwargs in oracle.edges()
        for law in oracle.PROPERTIES
        if isinstance(kwargs["obj"], dict) and len(str(kwargs)) < 500 and law(tool, kwargs, random.Random(1))
    }
    assert "it_can_be_undone" in broken


def test_recursion_fails_only_where_it_is_deep() -> None:
    tool = load(CANDIDATES / "planted" / "recursion_overflow.py").flatten_json
    for case in TOOL["test_cases"]:
        assert oracle.same(tool(**case["input"]), case["expected_output"]), case["description"]
    assert "raised RecursionError" in [answer(tool, kwargs) for kwargs in oracle.edges()]


@pytest.mark.parametrize("path", sorted(CANDIDATES.rglob("*.py")), ids=lambda path: path.stem)
def test_candidate_files_are_well_formed(path: Path) -> None:
    """Licence, metadata, the exact signature and an example that runs."""
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "# SPDX-License-Identifier: MIT"
    assert lines[1] == "# /// candidate"
    block = lines[2 : lines.index("# ///")]
    metadata = tomllib.loads("\n".join(line.removeprefix("# ") for line in block))
    assert set(metadata) == {"style", "generator", "license"}
    tree = ast.parse("\n".join(lines))
    entry = next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "flatten_json")
    wanted = ast.parse(TOOL["signature"] + ": ...").body[0]
    assert isinstance(wanted, ast.FunctionDef)
    assert ast.dump(entry.args) == ast.dump(wanted.args)
    assert ast.get_docstring(tree)
    result = doctest.testmod(load(path))
    assert result.attempted > 0
    assert result.failed == 0
