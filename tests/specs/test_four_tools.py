"""interval_merge, csv_parse, toposort_stable, expr_eval: reference, candidates and negative controls agree and differ.

Our own candidates are imported here, in process. What is slow, large or flaky is judged by `pytest suites/` only.
"""

from __future__ import annotations

import ast
import copy
import doctest
import random
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from harness.core.module_file import import_file
from harness.lanes.toolgen.distinct_inputs import sample
from harness.lanes.toolgen.metadata import read_metadata
from harness.lanes.toolgen.style import detect
from harness.lanes.toolgen.tool_spec import read_tool
from harness.sandbox.codec import decode

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ("interval_merge", "csv_parse", "toposort_stable", "expr_eval")
GOOD = [path for name in TOOLS for path in sorted((ROOT / "candidates" / name).glob("*.py"))]
WRONG = [path for name in TOOLS for path in sorted((ROOT / "candidates" / name / "planted").glob("wrong_*.py"))]
LARGE = 20_000
"""Edge inputs with a longer representation are left to `pytest suites/`."""


@cache
def oracle(name: str) -> ModuleType:
    return import_file(ROOT / "specs/tools" / name / "oracle.py", f"{name}_oracle")


@cache
def asked(name: str) -> list[dict[str, Any]]:
    """Test cases, drawn inputs and the smaller edge inputs."""
    spec = read_tool(ROOT / "specs/tools" / name).spec
    drawn = [decode(text.encode()) for text in sample(oracle(name).inputs(), 7, 60)]
    edges = [one for one in oracle(name).edges() if len(repr(one)) < LARGE]
    return [*(case.input for case in spec.test_cases), *drawn, *edges]


def answer(function: Any, kwargs: dict[str, Any]) -> Any:
    try:
        return function(**copy.deepcopy(kwargs))
    except ValueError:
        return "raised ValueError"


def is_right(name: str, kwargs: dict[str, Any], found: Any) -> bool:
    expected = answer(oracle(name).reference, kwargs)
    accept = getattr(oracle(name), "accept", None)
    return found == expected if accept is None or isinstance(expected, str) else accept(kwargs, found)


def load(path: Path) -> ModuleType:
    return import_file(path, f"{path.parent.name}_{path.stem}")


def entry(path: Path) -> Any:
    name = path.relative_to(ROOT / "candidates").parts[0]
    return name, getattr(load(path), read_tool(ROOT / "specs/tools" / name).signature.name)


@pytest.mark.parametrize("name", TOOLS)
def test_the_reference_gives_the_examples(name):
    for case in read_tool(ROOT / "specs/tools" / name).spec.test_cases:
        assert is_right(name, case.input, case.expected_output), case.description


@pytest.mark.parametrize("name", TOOLS)
def test_the_inputs_reach_what_is_rare(name):
    """Some inputs have no answer, most have one."""
    raised = [answer(oracle(name).reference, kwargs) == "raised ValueError" for kwargs in asked(name)]
    assert 0 < sum(raised) < 0.7 * len(raised)


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_a_candidate_is_right_and_obeys_the_invariants(path):
    name, function = entry(path)
    for kwargs in asked(name):
        assert is_right(name, kwargs, answer(function, kwargs)), kwargs
    for number, kwargs in enumerate(asked(name)[::3]):
        for check in oracle(name).PROPERTIES:
            try:
                assert check(lambda **some: function(**copy.deepcopy(some)), kwargs, random.Random(number)) is None
            except ValueError:
                assert answer(oracle(name).reference, kwargs) == "raised ValueError"


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_a_candidate_declares_the_style_it_has(path):
    source = path.read_text(encoding="utf-8")
    _, function = entry(path)
    assert detect(ast.parse(source), function.__name__) == read_metadata(source).style
    assert doctest.testmod(load(path)).failed == 0


def test_the_two_candidates_of_a_tool_have_different_styles():
    styles = [(path.parent.name, read_metadata(path.read_text()).style) for path in GOOD]
    assert len(set(styles)) == len(styles) == 2 * len(TOOLS)


@pytest.mark.parametrize("path", WRONG, ids=lambda path: path.stem)
def test_a_planted_fault_is_wrong_for_some_input(path):
    name, function = entry(path)
    wrong = [kwargs for kwargs in asked(name) if not is_right(name, kwargs, answer(function, kwargs))]
    assert 0 < len(wrong) < len(asked(name))


@pytest.mark.parametrize("name", TOOLS)
def test_a_workload_grows_and_has_an_answer(name):
    sizes = []
    for size in (20, 40):
        kwargs = oracle(name).workload(size, random.Random(3))
        sizes.append(len(repr(kwargs)))
        assert answer(oracle(name).reference, kwargs) != "raised ValueError"
    assert 1.5 < sizes[1] / sizes[0] < 3


@pytest.mark.parametrize(
    "answered",
    [None, {}, {"cycle": []}, {"cycle": ["a"]}, {"cycle": ["b", "a", "b", "a"]}, {"cycle": ["a", "b"], "order": []},
     {"order": ["a", "b"]}, {"cycle": "ab"}, {"cycle": [["a"], ["b"]]}, [["a", "b"]]],
)  # fmt: skip
def test_only_a_cycle_is_accepted_as_a_cycle(answered):
    kwargs = {"tasks": ["a", "b", "c"], "edges": [["a", "b"], ["b", "a"], ["b", "c"]]}
    accept = oracle("toposort_stable").accept
    assert accept(kwargs, {"cycle": ["a", "b"]})
    assert accept(kwargs, {"cycle": ["b", "a"]})
    assert not accept(kwargs, answered)


@pytest.mark.parametrize("base", [0, 1, -1])
@pytest.mark.parametrize("power", [0, 1, 2, 3, 932, 933, 10**50, 10**50 + 1])
def test_powers_of_what_no_power_makes_larger(base, power):
    expected = base ** (power % 2 or 2) if power else 1
    assert oracle("expr_eval").reference("base ** power", {"base": base, "power": power}) == str(expected)
