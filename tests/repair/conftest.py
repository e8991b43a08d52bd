"""What the tests of repair share: a tool of four small functions, and the nine faults that an injector plants in it."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from harness.repair import repairer
from harness.repair.workbench import Workbench

TOOL = """
    tool_id: sum_list
    description: Four numbers about a list and a count.
    signature: "def describe(numbers: list[int], n: int) -> list"
    docstring: The sum of 1 to n, the mean of numbers (0.0 of none), how many are even, the n-th Fibonacci number.
    test_cases:
      - {input: {numbers: [1, 2, 4], n: 3}, expected_output: [6, 2.3333333333333335, 2, 2]}
      - {input: {numbers: [], n: 0}, expected_output: [0, 0.0, 0, 0]}
"""
ORACLE = """
    from hypothesis import strategies as st


    def reference(numbers, n):
        mean = sum(numbers) / len(numbers) if numbers else 0.0
        series = [0, 1]
        while len(series) <= n:
            series.append(series[-1] + series[-2])
        return [n * (n + 1) // 2, mean, len([one for one in numbers if one % 2 == 0]), series[n]]


    def inputs():
        return st.fixed_dictionaries(
            {"numbers": st.lists(st.integers(-99, 99), max_size=9), "n": st.integers(0, 20)}
        )
"""
GOOD = '''\
"""Numbers about a list."""


def sum_inclusive(n: int) -> int:
    """The sum of 1 to n."""
    result = 0
    for number in range(n + 1):
        result += number
    return result


def mean(numbers: list[int]) -> float:
    """The mean; 0.0 of nothing."""
    if len(numbers) == 0:
        return 0.0
    return sum(numbers) / len(numbers)


def count_evens(numbers: list[int]) -> int:
    """How many are even."""
    count = 0
    for number in numbers:
        if number % 2 == 0:
            count += 1
    return count


def fibonacci(n: int) -> int:
    """The n-th number, from 0, 1."""
    before, after = 0, 1
    for _ in range(n):
        before, after = after, before + after
    return before


def describe(numbers: list[int], n: int) -> list:
    """Four numbers about a list and a count."""
    return [sum_inclusive(n), mean(numbers), count_evens(numbers), fibonacci(n)]
'''
EXAMPLES = """
    tool_id: double
    description: Twice a number.
    signature: "def double(n: int) -> int"
    test_cases:
      - {input: {n: 1}, expected_output: 2}
      - {input: {n: 3}, expected_output: 6}
      - {input: {n: 5}, expected_output: 10}
      - {input: {n: -4}, expected_output: -8}
      - {input: {n: 0}, expected_output: 0}
      - {input: {n: 7}, expected_output: 14}
"""

HOPELESS = b'"""Nothing."""\n\n\ndef describe(numbers: list[int], n: int) -> list:\n    """Nothing."""\n    return []\n'
FAULTS = {
    "remove_colon": ("for number in numbers:", "for number in numbers"),
    "missing_paren": ("return sum(numbers) / len(numbers)", "return sum(numbers) / len(numbers"),
    "missing_quote": ('    """The mean; 0.0 of nothing."""', '    """The mean; 0.0 of nothing.""'),
    "typo_variable": ("    result = 0", "    resutl = 0"),
    "wrong_operator": ("if len(numbers) == 0:", "if len(numbers) != 0:"),
    "off_by_one_string": ("for _ in range(n):", "for _ in range(1, n):"),
    "off_by_one_range_ast": ("for number in range(n + 1):", "for number in range(n):"),
    "float_trunc": ("return sum(numbers) / len", "return sum(numbers) // len"),
    "early_return": ("    count = 0\n    for", "    count = 0\n    return None\n    for"),
}
"""The nine faults of the tournament's injector: text and its replacement."""


def with_fault(name: str) -> bytes:
    """The good candidate with one of the faults."""
    old, new = FAULTS[name]
    assert GOOD.count(old) == 1
    return GOOD.replace(old, new).encode()


def write_tool(folder: Path, *, tool: str = TOOL, oracle: str | None = ORACLE) -> Path:
    """Write a tool's folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tool.yaml").write_text(textwrap.dedent(tool))
    if oracle is not None:
        (folder / "oracle.py").write_text(textwrap.dedent(oracle))
    return folder


@pytest.fixture(scope="session")
def tool(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tool with an oracle; read only."""
    return write_tool(tmp_path_factory.mktemp("tool"))


@pytest.fixture(scope="session")
def bench(tool: Path):
    """The pools for the tool; tests share what they have judged."""
    with Workbench(tool, workers=1, search_seed=5, confirm_seed=6) as made:
        yield made


@pytest.fixture(scope="session")
def examples_bench(tmp_path_factory: pytest.TempPathFactory):
    """The pools for a tool with examples only, of which two are held back."""
    with Workbench(write_tool(tmp_path_factory.mktemp("examples"), tool=EXAMPLES, oracle=None), workers=1) as made:
        yield made


@pytest.fixture
def _no_edits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only a proposer is asked."""
    monkeypatch.setattr(repairer, "single_edits", lambda *_: [])
