"""A tool whose candidates are judged in milliseconds, and searches among them."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from harness.evolve.config import read_experiments
from harness.evolve.search import Search
from harness.ledger.store import Ledger

SPEC = """\
tool_id: total
description: Add numbers.
signature: "def total(numbers: list[int]) -> int"
docstring: Return the sum of all numbers.
test_cases:
  - {input: {numbers: [1, 2, 3]}, expected_output: 6}
  - {input: {numbers: []}, expected_output: 0}
"""
ORACLE = '''\
"""The sum."""

from hypothesis import strategies as st


def reference(numbers):
    return sum(numbers)


def inputs():
    return st.fixed_dictionaries({"numbers": st.lists(st.integers(-1000, 1000), max_size=6)})
'''
START = '''\
"""Adds numbers with more work than is needed."""


def total(numbers: list[int]) -> int:
    """Return the sum.

    >>> total([1, 2])
    3
    """
    numbers = list(numbers)
    result = 0
    for number in numbers:
        result = result + number
        result = result
        number = 0
    numbers = []
    return result
'''
OTHER = START.replace(
    "    numbers = list(numbers)\n    result = 0\n", "    result = 0\n    numbers = sorted(numbers)\n"
)
CONFIG = """\
name: sums
tools: {total: tool}
curriculum: {epoch_0_plus: total}
start: [start.py, other.py]
timing: none
attempts: 1
questions: 6
population: 8
generations: 3
migrate_every: 2
finalists: 1
"""


def write_project(folder: Path, *, config: str = CONFIG) -> Path:
    """A folder with the tool, two start files and a configuration; returns the configuration."""
    tool = folder / "tool"
    tool.mkdir(parents=True)
    (tool / "tool.yaml").write_text(SPEC)
    (tool / "oracle.py").write_text(ORACLE)
    (folder / "start.py").write_text(START)
    (folder / "other.py").write_text(OTHER)
    file = folder / "evolve.yaml"
    file.write_text(textwrap.dedent(config))
    return file


def search(file: Path, ledger: Path, *, lanes: int = 1, **changes):
    """Run the experiment of a file, and return the result and the rows."""
    experiment = read_experiments(file)[0].replace(**changes)
    with Ledger.open(ledger) as opened:
        running = Search(experiment, file, opened, lanes=lanes)
        result = running.run()
        return result, dict(running.trials.rows)


def outcome(rows):
    """What must not depend on lanes, kills and speed."""
    return [
        (
            one.number,
            one.generation,
            one.digest,
            one.parents,
            one.operator,
            one.island,
            one.stage,
            one.status,
            one.passed,
        )
        for _, one in sorted(rows.items())
    ]


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return write_project(tmp_path_factory.mktemp("evolve"))


@pytest.fixture(scope="module")
def whole(project, tmp_path_factory):
    """The ledger, result and rows of a search without interruptions."""
    ledger = tmp_path_factory.mktemp("whole") / "ledger.db"
    return ledger, *search(project, ledger)


def start_crucible(*words: object, cwd: Path) -> subprocess.Popen[str]:
    """`crucible` as a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "harness", *map(str, words)],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
