"""Problems in the shape of HumanEval: what becomes of them, and that the tools judge."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given

from harness import JudgePool
from harness.adapters.humaneval import main
from harness.adapters.sampled_shape import shape_of, strategy_of
from tests.rewards.conftest import FAST

CLAMP = {
    "task_id": "Mine/0",
    "prompt": "from typing import List\n\n\ndef clamp(values: List[int], low: int, high: int = 9) -> List[int]:\n"
    '    """Keep each value within bounds.\n    >>> clamp([3], 5)\n    [5]\n    """\n',
    "entry_point": "clamp",
    "canonical_solution": "    return [min(max(value, low), high) for value in values]\n",
    "test": "METADATA = {'author': 'x'}\n\n\ndef check(candidate):\n    assert candidate([1, 7, 12], 2) == [2, 7, 9]\n"
    "    assert [] == candidate([], low=0, high=4), 'empty'\n    assert candidate([3], 5, 6) == [5]\n    assert True\n"
    "    for n in range(3):\n        assert candidate([n], 0) == [n]\n    assert candidate([2 ** 3], 1) == [8]\n",
}
HALF = {
    "task_id": "Mine/1",
    "prompt": "def half(x):\n    return _half(x)\n\n\ndef _half(x):\n",
    "entry_point": "half",
    "canonical_solution": "    return x / 2\n",
    "test": "def check(candidate):\n    assert abs(candidate(3.0) - 1.5) < 1e-6\n    assert candidate(1.0) == 0.5\n",
}
SPREAD = {
    "task_id": "Mine/2",
    "prompt": "def spread(*values):\n",
    "entry_point": "spread",
    "canonical_solution": "    return max(values) - min(values)\n",
    "test": "def check(candidate):\n    assert candidate(1, 2) == 1\n",
}


@pytest.fixture(scope="module")
def converted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("problems")
    file = folder / "problems.jsonl"
    file.write_text("\n".join(map(json.dumps, (CLAMP, HALF, SPREAD))) + "\n\n")
    return folder, main([str(file), "--out", str(folder / "tools")])


def test_what_cannot_be_carried_over_is_listed(tmp_path, capsys):
    file = tmp_path / "problems.jsonl"
    file.write_text("\n".join(map(json.dumps, (CLAMP, SPREAD))))
    assert main([str(file), "--out", str(tmp_path / "tools")]) == 1
    out = capsys.readouterr().out
    assert "Mine/0: not carried over: line 9 of the test: for n in range(3)" in out
    assert "not carried over: line 11 of the test (malformed node or string" in out
    assert "candidate([2 ** 3], 1) == [8]" in out
    assert "Mine/2: no tool: candidates are called by keyword" in out
    assert out.splitlines()[-1] == "1 tools, 1 problems without one"


def test_the_tools_judge(converted):
    folder, status = converted
    assert status == 1
    tools = sorted((folder / "tools").iterdir())
    clamp, half = (tool.name for tool in tools)
    remembers = "def clamp(values, low, high=9):\n    return {3: [2, 7, 9], 0: [], 1: [5]}[len(values)]\n"
    almost = "def half(x):\n    return x / 2 + 1e-9\n"
    with JudgePool(tools, **FAST) as pool:
        for tool in pool.tools:
            assert pool.judge(pool.controls(tool).honest, tool=tool).passed
        assert pool.judge(remembers, tool=clamp).status == "wrong"
        assert pool.judge(almost, tool=half).passed  # within the tolerance of its asserts
        assert pool.judge("def half(x):\n    return x\n", tool=half).status == "wrong"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "problems.jsonl:1: not JSON"),
        ("[]", "problems.jsonl:1: task_id is missing"),
        (json.dumps({**CLAMP, "test": None}), "problems.jsonl:1: test is missing, or not a string"),
        *[
            (json.dumps({**CLAMP, key: f"{CLAMP[key]}\udcff"}), f"problems.jsonl:1: {key} has half of a surrogate pair")
            for key in CLAMP
        ],
        (json.dumps({**CLAMP, "entry_point": "clamps"}), "define no function 'clamps'"),
        (json.dumps({**CLAMP, "prompt": "def clamp(:"}), "are not Python"),
        (json.dumps({**CLAMP, "test": "def check(candidate:"}), "the test is not Python"),
        (json.dumps({**CLAMP, "test": f"a = {'(' * 300}1{')' * 300}"}), "the test is not Python"),
        (json.dumps({**CLAMP, "prompt": f"a = {'(' * 300}1{')' * 300}"}), "are not Python"),
        (json.dumps({**CLAMP, "test": "def check(candidate):\n    assert candidate([1], 2)\n"}), "no assert compares"),
    ],
)
def test_bad_problems_say_what_is_wrong(tmp_path, capsys, line, said):
    file = tmp_path / "problems.jsonl"
    file.write_text(line)
    assert main([str(file), "--out", str(tmp_path / "tools")]) in (1, 4)
    captured = capsys.readouterr()
    assert said in captured.out + captured.err


def test_a_file_that_is_not_there(tmp_path, capsys):
    assert main([str(Path(tmp_path) / "nothing"), "--out", str(tmp_path)]) == 4
    assert "cannot be read" in capsys.readouterr().err


@given(
    strategy_of(shape_of([[1, 5], [], [3]])),
    strategy_of(shape_of(["ab", ""])),
    strategy_of(shape_of([{"k": (1, 2)}, {"": (0, 7)}])),
)
def test_samples_stay_within_the_examples(numbers, text, mapping):
    assert all(1 <= number <= 5 for number in numbers)
    assert len(numbers) <= 2
    assert set(text) <= {"a", "b"}
    assert set(mapping) <= {"k", ""}
    assert all(0 <= number <= 7 for pair in mapping.values() for number in pair)
