# SPDX-License-Identifier: MIT
"""json_flatten and text_deduplicate: examples, oracle and candidates agree, and negative controls are caught.

Our own candidates are imported here, in process; no other test does so, and the plugin never does.
"""

from __future__ import annotations

import ast
import copy
import doctest
import json
import operator
import os
import random
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.core.module_file import import_file

ROOT = Path(__file__).resolve().parents[2]


class Tool:
    """A tool's specification, oracle and candidates."""

    def __init__(self, name: str, entry: str) -> None:
        self.name, self.entry = name, entry
        self.spec, self.candidates = ROOT / "specs/tools" / name, ROOT / "candidates" / name
        self.yaml: dict[str, Any] = yaml.safe_load((self.spec / "tool.yaml").read_text(encoding="utf-8"))
        self.oracle = import_file(self.spec / "oracle.py", f"{name}_oracle")
        self.same = getattr(self.oracle, "same", operator.eq)
        self.good = {path.stem: self.load(path) for path in sorted(self.candidates.glob("*.py"))}

    def load(self, path: Path) -> Callable[..., Any]:
        return getattr(import_file(path, f"{self.name}_{path.parent.name}_{path.stem}"), self.entry)

    def control(self, name: str) -> Callable[..., Any]:
        return self.load(self.candidates / "planted" / f"{name}.py")

    def is_right(self, function: Callable[..., Any], kwargs: dict[str, Any]) -> bool:
        return self.same(answer(function, kwargs), answer(self.oracle.reference, kwargs))

    def gives_the_examples(self, function: Callable[..., Any]) -> bool:
        return all(self.same(answer(function, one["input"]), one["expected_output"]) for one in self.yaml["test_cases"])


FLATTEN = Tool("json_flatten", "flatten_json")
DEDUPLICATE = Tool("text_deduplicate", "deduplicate_lines")
TOOLS = (FLATTEN, DEDUPLICATE)
FILES = [(tool, path) for tool in TOOLS for path in sorted(tool.candidates.rglob("*.py"))]
GOOD = [(tool, name) for tool in TOOLS for name in tool.good]
WRONG = ["prints_passed", "wrong_case_fold", "wrong_drops_last", "wrong_lsh_unverified", "wrong_merges_tokens"]
once = settings(
    max_examples=80, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
each_tool = pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
each_candidate = pytest.mark.parametrize(("tool", "name"), GOOD, ids=[f"{tool.name}-{name}" for tool, name in GOOD])


def answer(function: Callable[..., Any], kwargs: dict[str, Any]) -> Any:
    """What a tool returns, or the name of what it raises, under Python's own recursion limit: imports may raise it."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(1_000)
    try:
        return function(**kwargs)
    except Exception as error:
        return f"raised {type(error).__name__}"
    finally:
        sys.setrecursionlimit(before)


@each_tool
def test_reference_gives_the_examples(tool: Tool) -> None:
    assert tool.gives_the_examples(tool.oracle.reference)


@each_tool
def test_json_twin_has_the_same_examples(tool: Tool) -> None:
    twin = json.loads(tool.spec.with_suffix(".json").read_text(encoding="utf-8"))
    assert tool.same(twin, {key: tool.yaml[key] for key in twin})
    assert set(tool.yaml) - set(twin) == {"workload_size"}


@each_candidate
def test_candidate_gives_the_examples(tool: Tool, name: str) -> None:
    assert tool.gives_the_examples(tool.good[name])


@each_candidate
def test_candidate_agrees_on_the_edges(tool: Tool, name: str) -> None:
    for number, kwargs in enumerate(tool.oracle.edges()):
        assert tool.is_right(tool.good[name], kwargs), f"edge {number}"


@each_candidate
def test_candidate_agrees_on_workloads(tool: Tool, name: str) -> None:
    for seed in range(3):
        kwargs = tool.oracle.workload(tool.yaml["workload_size"], random.Random(seed))
        expected = tool.oracle.reference(**kwargs)
        assert len(kwargs.get("lines", expected)) == tool.yaml["workload_size"]
        assert tool.same(tool.good[name](**kwargs), expected)


@each_tool
def test_candidates_agree_on_sampled_inputs_and_properties_hold(tool: Tool) -> None:
    @once
    @given(kwargs=tool.oracle.inputs())
    def check(kwargs: dict[str, Any]) -> None:
        before = copy.deepcopy(kwargs)
        expected = tool.oracle.reference(**kwargs)
        for name, function in tool.good.items():
            assert tool.same(function(**kwargs), expected), name
        assert tool.same(kwargs, before)
        for law in tool.oracle.PROPERTIES:
            assert law(tool.oracle.reference, kwargs, random.Random(0)) is None, law.__name__

    check()


@pytest.mark.parametrize("nonsense", [None, 7, "ab", [1], [["a", 1]], {"a": 1}, ["a", None]], ids=repr)
@each_tool
def test_an_answer_of_the_wrong_shape_violates_every_property(tool: Tool, nonsense: Any) -> None:
    if tool is FLATTEN and isinstance(nonsense, dict):
        pytest.skip("a dictionary is what this tool returns")
    kwargs = tool.yaml["test_cases"][0]["input"]
    for law in tool.oracle.PROPERTIES:
        violation = law(lambda **_: nonsense, kwargs, random.Random(0))
        assert "not a" in (violation or ""), law.__name__


@each_tool
def test_properties_hold_on_the_edges(tool: Tool) -> None:
    for number, kwargs in enumerate(tool.oracle.edges()):
        for law in tool.oracle.PROPERTIES:
            if 0.0 <= kwargs.get("threshold", 0.0) <= 1.0:
                assert law(tool.oracle.reference, kwargs, random.Random(0)) is None, f"{law.__name__}, edge {number}"


@pytest.mark.parametrize(("tool", "path"), FILES, ids=[path.stem for _, path in FILES])
def test_candidate_files_are_well_formed(tool: Tool, path: Path) -> None:
    """Licence, metadata, the exact signature, and for a good one an example that runs."""
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "# SPDX-License-Identifier: MIT"
    assert lines[1] == "# /// candidate"
    block = lines[2 : lines.index("# ///")]
    metadata = tomllib.loads("\n".join(line.removeprefix("# ") for line in block))
    assert set(metadata) == {"style", "generator", "license"}
    tree = ast.parse("\n".join(lines))
    entry = next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == tool.entry)
    wanted = ast.parse(tool.yaml["signature"] + ": ...").body[0]
    assert isinstance(wanted, ast.FunctionDef)
    assert ast.dump(entry.args) == ast.dump(wanted.args)
    assert ast.get_docstring(tree)
    assert tool is FLATTEN or ast.get_docstring(entry)
    if path.stem in tool.good or tool is FLATTEN:
        result = doctest.testmod(import_file(path, f"{tool.name}_{path.parent.name}_{path.stem}"))
        assert result.attempted > 0
        assert result.failed == 0


def test_reference_copes_with_any_depth() -> None:
    value: Any = 7
    for level in range(6000):
        value = {"k": value} if level % 2 else [value]
    (path,) = FLATTEN.oracle.reference({"root": value})
    assert path == "root" + ".k[0]" * 3000


def test_same_is_exact_about_types() -> None:
    different = [1, 1.0, True, "1", None, [], {}, 0, 0.0, -0.0, False, ""]
    for one in range(len(different)):
        for other in range(len(different)):
            assert FLATTEN.oracle.same(different[one], different[other]) == (one == other)
    assert FLATTEN.oracle.same({"a": 1, "b": [2]}, {"b": [2], "a": 1})


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
        FLATTEN.oracle.unflatten(flat)


@once
@given(key=st.text(".[]\\ab0", max_size=8))
def test_escaped_keys_can_be_read_back(key: str) -> None:
    assert FLATTEN.oracle.path_steps(FLATTEN.oracle.escape(key)) == (key,)


@pytest.mark.parametrize("path", sorted((FLATTEN.candidates / "planted").glob("*.py")), ids=lambda path: path.stem)
def test_a_control_of_flatten_is_wrong_on_an_edge(path: Path) -> None:
    function = FLATTEN.load(path)
    assert not all(FLATTEN.is_right(function, kwargs) for kwargs in FLATTEN.oracle.edges())


@pytest.mark.parametrize("name", ["wrong_drops_empties", "wrong_colliding_keys", "wrong_nested_lists"])
def test_a_wrong_control_breaks_a_property(name: str) -> None:
    """Without knowing the right answer: each of these loses something, so it cannot be undone."""
    function = FLATTEN.control(name)
    broken = {
        law.__name__
        for kwargs in FLATTEN.oracle.edges()
        for law in FLATTEN.oracle.PROPERTIES
        if isinstance(kwargs["obj"], dict) and len(str(kwargs)) < 500 and law(function, kwargs, random.Random(1))
    }
    assert "it_can_be_undone" in broken


def test_recursion_fails_only_where_it_is_deep() -> None:
    function = FLATTEN.control("recursion_overflow")
    assert FLATTEN.gives_the_examples(function)
    assert "raised RecursionError" in [answer(function, kwargs) for kwargs in FLATTEN.oracle.edges()]


@pytest.mark.parametrize("name", WRONG)
def test_a_control_of_deduplicate_is_wrong_or_breaks_a_property(name: str) -> None:
    function = DEDUPLICATE.control(name)
    assert not (
        DEDUPLICATE.gives_the_examples(function)
        and all(DEDUPLICATE.is_right(function, kwargs) for kwargs in DEDUPLICATE.oracle.edges())
    ) or any(
        law(function, kwargs, random.Random(1))
        for kwargs in DEDUPLICATE.oracle.edges()
        if len(kwargs["lines"]) < 1000
        for law in DEDUPLICATE.oracle.PROPERTIES
    )


def test_some_faults_show_only_on_the_edges() -> None:
    """The examples are public; a spec that had only them could be satisfied by a wrong tool."""
    function = DEDUPLICATE.control("wrong_drops_last")
    assert DEDUPLICATE.gives_the_examples(function)
    assert not all(DEDUPLICATE.is_right(function, kwargs) for kwargs in DEDUPLICATE.oracle.edges())


@pytest.mark.parametrize("name", ["forbidden_getattr", "forbidden_system", "relabelled_set", "slow_quadratic"])
def test_other_controls_give_right_answers(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A control that is slow or forbidden must not be caught for being wrong as well."""
    monkeypatch.setattr(os, "system", lambda command: 0)
    function = DEDUPLICATE.control(name)
    assert DEDUPLICATE.gives_the_examples(function)
    for kwargs in DEDUPLICATE.oracle.edges():
        assert len(kwargs["lines"]) > 1000 or DEDUPLICATE.is_right(function, kwargs)


def test_an_edge_is_long_enough_for_quadratic_tools() -> None:
    """slow_quadratic compares each pair of distinct lines: more than 10^8 comparisons, and so seconds, on this edge."""
    most = max(len(set(kwargs["lines"])) for kwargs in DEDUPLICATE.oracle.edges() if kwargs["threshold"] == 1.0)
    assert most * (most - 1) // 2 > 10**8


def test_flaky_candidate_depends_on_the_hash_seed() -> None:
    """Same questions, eight hash seeds: the edges have ties, and the control settles them by hash."""
    edges = [kwargs for kwargs in DEDUPLICATE.oracle.edges() if kwargs["threshold"] < 0.9 and len(kwargs["lines"]) < 9]
    control = DEDUPLICATE.candidates / "planted" / "flaky_hash_order.py"
    program = (
        "import json, runpy, sys\n"
        f"tool = runpy.run_path({str(control)!r})['deduplicate_lines']\n"
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
